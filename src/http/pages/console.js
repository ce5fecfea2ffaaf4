// A first look at one's fabrics, on the public API alone.
const byId = (id) => document.getElementById(id)

async function call(path, options = {}) {
  const headers = { 'x-weft-csrf': '1', ...options.headers }
  const response = await fetch(path, { ...options, headers })
  if (response.ok) return response
  const problem = await response.json()
  throw Object.assign(new Error(problem.detail ?? problem.title), { problem })
}

function tell(err) {
  byId('trouble').textContent = err.message
}

function list(target, text, status) {
  const item = document.createElement('li')
  item.textContent = text
  item.dataset.status = status
  target.append(item)
}

async function* eventsOf(response) {
  let rest = ''
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + text).split('\n\n')
    rest = blocks.pop()
    for (const block of blocks) {
      const [, event, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? []
      if (event) yield [event, JSON.parse(data)]
    }
  }
}

async function test(fabric, steps, verdict) {
  steps.replaceChildren()
  verdict.textContent = ''
  const response = await call(`api/v1/fabrics/${fabric.id}/test-connection`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ as: 'user' })
  })
  for await (const [event, data] of eventsOf(response)) {
    if (event === 'step')
      list(steps, [data.step, data.status, data.detail].filter(Boolean).join(' – '), data.status)
    if (event === 'result')
      verdict.textContent = data.ok ? 'The connection holds' : 'The connection does not hold'
    if (event === 'problem') list(steps, data.detail ?? data.title, 'failed')
  }
}

async function show(fabric) {
  const item = byId('fabric').content.cloneNode(true)
  const state = item.querySelector('.state')
  const steps = item.querySelector('.steps')
  const verdict = item.querySelector('.verdict')
  const button = item.querySelector('.test')
  item.querySelector('h3').textContent = fabric.name
  const signIn = item.querySelector('.sign-in')
  signIn.href = `sign-in/${fabric.id}?return_to=${encodeURIComponent(location.pathname)}`
  button.addEventListener('click', async () => {
    button.disabled = true
    await test(fabric, steps, verdict).catch((err) => list(steps, err.message, 'failed'))
    button.disabled = false
  })
  byId('fabric-list').append(item)
  const connection = await (await call(`api/v1/fabrics/${fabric.id}/connection`)).json()
  const user = connection.workspaceUser ? ` as ${connection.workspaceUser.userName}` : ''
  state.textContent = `${fabric.workspaceUrl} – ${connectionWords[connection.state]}${user}`
  signIn.hidden = connection.state === 'active'
}

const connectionWords = {
  pending: 'not signed in yet',
  active: 'signed in',
  degraded: 'signed in, the workspace has trouble',
  needs_sign_in: 'not signed in',
  misconfigured: 'something must be mended first',
  paused: 'paused',
  revoked: 'revoked'
}

// By script, since the way leads to the identity provider and no form may lead to another site.
byId('login').addEventListener('submit', (event) => {
  event.preventDefault()
  const text = byId('tenant').value
  location.assign(
    `auth/login?${text.includes('@') ? 'email' : 'tenant'}=${encodeURIComponent(text)}`
  )
})

byId('logout').addEventListener('click', async () => {
  const response = await call('auth/logout', { method: 'POST' })
  const { endSessionUrl } = response.status === 204 ? {} : await response.json()
  location.assign(endSessionUrl ?? location.pathname)
})

async function start() {
  try {
    const me = await (await call('api/v1/me')).json()
    byId('who').textContent = `${me.user.name} (${me.user.email}), ${me.tenant.name}`
    byId('logout').hidden = false
  } catch (err) {
    byId('login').hidden = false
    if (err.problem?.code !== 'unauthenticated') tell(err)
    return
  }
  byId('fabrics').hidden = false
  const { items } = await (await call('api/v1/fabrics?limit=200')).json()
  if (items.length === 0) list(byId('fabric-list'), 'No fabric yet', 'skipped')
  await Promise.all(items.map((fabric) => show(fabric).catch(tell)))
}

start().catch(tell)
