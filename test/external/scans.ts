import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { outputOf, type Tool } from './tool.ts'

/** J7: what the public port tells of itself. */
export const nmap: Tool = {
  program: 'nmap',
  async run({ weft, admin }) {
    const ports = [weft, admin].map((url) => new URL(url).port)
    const scripts = 'http-methods,http-server-header,http-trace,http-headers,http-auth,http-cors'
    const args = ['-Pn', '-sT', '-sV', '--version-light', '-p', ports.join(), '--script', scripts]
    const text = String(await outputOf('nmap', [...args, '127.0.0.1'], { seconds: 120 }))
    const told = [
      ...text.matchAll(
        /TRACE is enabled|Potentially risky methods: .*|http-cors: .*|^\|_?http-server-header: .*|Server: .*|X-Powered-By: .*/gim
      )
    ]
    const open = text.match(/^\d+\/tcp +open/gm)?.length ?? 0
    return [
      {
        did: 'versions, methods and headers of the public and the admin port',
        saw: `${open} open; ${told.map(([line]) => line).join('; ') || 'no version, no TRACE, no CORS'}`,
        isGood: told.length === 0 && open === 2
      }
    ]
  }
}

/** D10: each parameter that ends in a question to the database. */
export const sqlmap: Tool = {
  program: 'sqlmap',
  async run({ weft, token, folder }) {
    const asked = [
      '/api/v1/audit-events?actor=usr_1*&action=a*&limit=5',
      '/api/v1/fabrics?q=a*&kind=sql*&limit=5',
      '/api/v1/members?limit=5&cursor=a*'
    ]
    const findings = []
    for (const path of asked) {
      const args = [
        '-u',
        `${weft}${path}`,
        '--batch',
        '--level',
        '2',
        '--risk',
        '1',
        '--dbms',
        'PostgreSQL'
      ]
      const more = [
        '--technique',
        'BEU',
        '--timeout',
        '5',
        '--retries',
        '0',
        '--ignore-code',
        '400,404,429'
      ]
      const header = [
        '-H',
        `Authorization: Bearer ${token}`,
        '--output-dir',
        join(folder, 'sqlmap')
      ]
      const text = String(
        await outputOf('sqlmap', [...args, ...more, ...header, '--flush-session'], { seconds: 60 })
      )
      const hits = text.match(
        /is vulnerable|appears to be .*injectable|identified the following injection/g
      )
      const isEnded = /do not appear to be injectable|ending @|not injectable/.test(text)
      const saw =
        hits?.join(', ') ?? (isEnded ? 'nothing to inject' : 'nothing until its time was over')
      findings.push({ did: path, saw, isGood: hits === null })
    }
    return findings
  }
}

interface WapitiReport {
  readonly vulnerabilities: Readonly<Record<string, readonly { readonly path: string }[]>>
  readonly anomalies: Readonly<Record<string, readonly { readonly path: string }[]>>
}

/** F10 and others: pages and API, crawled and fuzzed. */
export const wapiti: Tool = {
  program: 'wapiti',
  async run({ weft, token, folder }) {
    const report = join(folder, 'wapiti.json')
    const modules = 'cookieflags,csp,http_headers,methods,redirect,exec,file,sql,xss,crlf,ssrf'
    const bounds = [
      '--max-scan-time',
      '90',
      '--max-attack-time',
      '20',
      '-d',
      '2',
      '--scope',
      'domain'
    ]
    const args = [
      '-u',
      `${weft}/console`,
      '-s',
      `${weft}/api/v1/fabrics?q=a&limit=5`,
      '-m',
      modules
    ]
    const header = ['-H', `Authorization: Bearer ${token}`, '--store-session', folder]
    const out = ['-f', 'json', '-o', report, '--flush-session', '--no-bugreport']
    await outputOf('wapiti', [...args, ...bounds, ...header, ...out], { seconds: 120 })
    const { vulnerabilities, anomalies }: WapitiReport = JSON.parse(readFileSync(report, 'utf8'))
    const found = Object.entries({ ...vulnerabilities, ...anomalies })
      .filter(([, places]) => places.length > 0)
      .map(([name, places]) => `${name} (${places.length}, ${places[0]?.path})`)
    return [
      {
        did: `pages and API: ${modules}`,
        saw: found.join('; ') || 'nothing',
        isGood: found.length === 0
      }
    ]
  }
}
