import type { AppError, ProblemOwner } from '../../base/errors.ts'
import { problemCatalogue } from '../../base/errors.ts'
import type { PublicUrl } from '../public-url.ts'

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;'
}

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '')
}

export interface Link {
  readonly href: string
  readonly text: string
}

/** A page of plain text: `lines` are paragraphs, escaped here. */
export function textPage(
  publicUrl: PublicUrl,
  title: string,
  lines: readonly string[],
  ...links: readonly Link[]
): string {
  return framedPage(publicUrl, title, paragraphsOf(lines) + links.map(anchorOf).join(''))
}

export function paragraphsOf(lines: readonly string[]): string {
  return lines.map((line) => `    <p>${escapeHtml(line)}</p>\n`).join('')
}

export function anchorOf({ href, text }: Link): string {
  return `    <p><a href="${escapeHtml(href)}">${escapeHtml(text)}</a></p>\n`
}

/**
 * @param body markup, of which every text is escaped already
 * @param script a script of this deployment by its path, and what it reads from `main` as data attribute
 */
export function framedPage(
  publicUrl: PublicUrl,
  title: string,
  body: string,
  script?: { readonly path: string; readonly name: string; readonly data: unknown }
): string {
  const src = script && escapeHtml(publicUrl.pathOf(script.path))
  const data = script && ` data-${script.name}="${escapeHtml(JSON.stringify(script.data))}"`
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${escapeHtml(title)} – Weft</title>
    <link rel="stylesheet" href="${escapeHtml(publicUrl.pathOf('/problems/page.css'))}">
${src === undefined ? '' : `    <script src="${src}" defer></script>\n`}  </head>
  <body>
    <main${data ?? ''}>
    <h1>${escapeHtml(title)}</h1>
${body}    </main>
  </body>
</html>
`
}

export const moves: Readonly<Record<ProblemOwner, string>> = {
  caller: 'You can mend this yourself.',
  team_admin: 'An admin of your team can mend this.',
  tenant_admin: 'An admin of your organisation can mend this.',
  provider_admin: 'An admin of the Databricks workspace or account can mend this.',
  upstream: 'The workspace or identity provider has a fault; try again later.',
  platform: 'Weft has a fault; whoever runs it can mend this.'
}

/** What went wrong, whose move it is, and what to quote. */
export function problemPage(publicUrl: PublicUrl, error: AppError, requestId: string): string {
  const { title } = problemCatalogue[error.code]
  const detail = error.detail === undefined || error.detail === title ? [] : [error.detail]
  const login = { href: publicUrl.pathOf('/auth/login'), text: 'Log in' }
  const console = { href: publicUrl.pathOf('/console'), text: 'Go to the console' }
  return textPage(
    publicUrl,
    title,
    [...detail, moves[error.owner], `Code ${error.code}, request ${requestId}.`],
    error.code === 'unauthenticated' ? login : console
  )
}
