/**
 * `npm run test:soak -- [--minutes 10] [--seed N] [--processes 3] [--people 6]`: random faults on everything
 * at once, for a while, and what must hold all the same. Exit 1 when something did not.
 */
import { setMaxListeners } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../../src/local/postgres.ts'
import { createVaultWorld, type VaultWorld } from '../support/vault-world.ts'
import { administer } from './admins.ts'
import { createDice, pause } from './dice.ts'
import type { Kill } from './encounters.ts'
import { createFindings, type Findings } from './findings.ts'
import { type Fleet, startFleet } from './fleet.ts'
import { createJudge } from './judge.ts'
import { readOptions, type SoakOptions } from './options.ts'
import { work, workAlone } from './people.ts'
import { policies, type SoakProvider, startProvider } from './provider.ts'
import { settle } from './settling.ts'
import { breakDatabases, breakProviders, endProcesses, upsetProviders } from './weather.ts'
import { setUpTenant, signIn, type Tenant } from './world.ts'

const progressMs = 15_000
const lookMs = 5_000
const judgeMs = 2_000

const startedMs = performance.now()
const nowMs = () => performance.now() - startedMs
const say = (line: string) => {
  process.stdout.write(`${(nowMs() / 1_000).toFixed(0).padStart(5)} s  ${line}\n`)
}

/** Many ask the one connection at a time; it takes one question at a time. */
function inTurn(world: VaultWorld): VaultWorld {
  let last: Promise<unknown> = Promise.resolve()
  const sql: VaultWorld['sql'] = (text, values) => {
    const answer = last.then(() => world.sql<never>(text, values))
    last = answer.catch(() => undefined)
    return answer
  }
  return { ...world, sql }
}

async function everybodySignsIn(tenants: readonly Tenant[], fleet: Fleet, seed: string) {
  const dice = createDice(seed)
  for (const person of tenants.flatMap(({ people }) => people)) {
    for (const place of person.places) {
      const isIn = await signIn((caller, call) => fleet.call(dice, caller, call), person, place)
      if (!isIn) throw new TypeError('nobody can sign in, even in fine weather')
      person.signedIn.add(place)
    }
  }
}

/** Does it again and again until the signal. */
async function keepDoing(everyMs: number, signal: AbortSignal, act: () => unknown): Promise<void> {
  while (!signal.aborted) {
    await pause(everyMs, signal)
    if (!signal.aborted) await act()
  }
}

function progress(findings: Findings, fleet: Fleet): void {
  const calls = findings.counted('call')
  const meanMs = calls === 0 ? 0 : findings.counted('milliseconds') / calls
  say(
    `calls ${calls} (mean ${meanMs.toFixed(0)} ms), holders compared ${findings.counted('holder compared')}, ` +
      `broken ${findings.violations}; ${findings.counted('fault kill -9')} kills; ${fleet.latest()}`
  )
}

function summarise(findings: Findings, fleet: Fleet, { seed, minutes }: SoakOptions): void {
  for (const { name, growth } of fleet.growth()) {
    for (const { measure, early, late, allowed } of growth) {
      const told = `${name} ${measure} ${early.toFixed(1)} → ${late.toFixed(1)} (at most +${allowed.toFixed(0)})`
      say(`growth: ${told}`)
      if (late - early > allowed) findings.violate(`growth of ${measure}`, told)
    }
  }
  say(`faults: ${findings.tally('fault ')}`)
  say(`token requests: ${findings.tally('token request ')}`)
  say(`answers: ${findings.tally('answer ')}`)
  say(`edits: ${findings.tally('edit ')}; signed ${findings.tally('signed ')}`)
  say(`sign-ins lost: ${findings.tally('lost ') || 'none'}`)
  say(
    `tokens ${findings.tally('token shown ') || 'never shown twice'}; audit ${findings.tally('audit ')}`
  )
  for (const line of findings.report()) say(line)
  const result = findings.violations === 0 ? 'held' : `BROKEN ${findings.violations} times`
  say(`soak of ${minutes} minutes, seed ${seed}: ${result}`)
}

async function soak(options: SoakOptions, superuserUrl: string): Promise<number> {
  const { seed } = options
  const dice = createDice(seed)
  const findings = createFindings(say)
  const world = inTurn(await createVaultWorld({}, superuserUrl))
  const kills: Kill[] = []
  const providers: SoakProvider[] = []
  for (const policy of policies) {
    const own = dice.fork(policy.name)
    providers.push(await startProvider(policy, { dice: own, findings, kills, nowMs }))
  }
  const origins = providers.map(({ origin }) => origin)
  const fleet = await startFleet(world, {
    count: options.processes,
    origins,
    findings,
    nowMs,
    kills
  })
  const tenants: Tenant[] = []
  for (const name of ['one', 'other']) {
    const deps = { world, fleet, providers, dice: dice.fork(name) }
    tenants.push(await setUpTenant(deps, options.people))
  }
  await everybodySignsIn(tenants, fleet, seed)
  say(`everybody is signed in; faults for ${options.minutes} minutes from now`)

  const judge = createJudge({ world, providers, tenants, kills, findings, nowMs })
  const surroundings = { world, fleet, judge, findings }
  const sky = { world, fleet, providers, tenants, findings, nowMs }
  const end = AbortSignal.timeout(options.minutes * 60_000)
  setMaxListeners(0, end)
  for (const provider of providers) provider.misbehave()
  await Promise.all([
    ...tenants.flatMap((tenant, at) => [
      ...tenant.people.map((person, index) =>
        work(surroundings, person, dice.fork(`person ${at} ${index}`), end)
      ),
      workAlone(surroundings, tenant, dice.fork(`machine ${at}`), end),
      administer(surroundings, tenant, dice.fork(`admin ${at}`), end)
    ]),
    breakProviders(sky, dice.fork('providers'), end),
    breakDatabases(sky, dice.fork('databases'), end),
    endProcesses(sky, dice.fork('processes'), end),
    upsetProviders(sky, dice.fork('moods'), end),
    keepDoing(judgeMs, end, () => judge.judgeLost()),
    keepDoing(lookMs, end, () => fleet.look()),
    keepDoing(progressMs, end, () => progress(findings, fleet))
  ])
  for (const provider of providers) provider.behave()
  await settle({ world, fleet, providers, tenants, judge, findings, dice }, say)
  await fleet.stop()
  summarise(findings, fleet, options)
  await Promise.all(providers.map((provider) => provider.stop()))
  await world.close()
  return findings.violations === 0 ? 0 : 1
}

const options = readOptions(process.argv.slice(2), process.env)
say(`seed ${options.seed}`)
const folder = await mkdtemp(join(tmpdir(), 'weft-soak-'))
const dataDir = join(folder, 'postgres')
const postgres = await startPostgres({ dataDir, port: 0, durable: false })
try {
  process.exitCode = await soak(options, postgres.superuserUrl)
} catch (error) {
  say(`the soak itself failed: ${error instanceof Error ? error.stack : error}`)
  // What it left open would be cut by what follows.
  process.once('uncaughtException', () => process.exit(1))
  process.exitCode = 1
} finally {
  await postgres.stop()
  await rm(folder, { recursive: true, force: true })
}
// Processes whose start was under way are ended by their watchers.
process.exit()
