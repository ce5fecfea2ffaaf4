import { type AppError, problemCatalogue } from '../../base/errors.ts'
import type { SignInAttemptView } from '../../fabrics/fabrics.ts'
import { localPath, type PublicUrl } from '../public-url.ts'
import { anchorOf, escapeHtml, framedPage, type Link, moves, paragraphsOf } from './document.ts'

export const signInScriptPath = '/sign-in/sign-in.js'

/** What the page tells the window that opened it, by `postMessage` and on the channel `weft:sign-in`. */
interface SignInMessage extends Partial<Omit<SignInAttemptView, 'id' | 'status'>> {
  readonly type: 'weft:sign-in'
  readonly attemptId: string | null
  readonly fabricId?: SignInAttemptView['fabricId']
  readonly status: SignInAttemptView['status']
}

interface Button {
  /** `as_is`: signs in again, whoever it may become; `another`: the same, asked who one is. */
  readonly action: 'as_is' | 'another' | 'close'
  readonly text: string
}

interface Content {
  readonly title: string
  readonly lines: readonly string[]
  readonly links: readonly Link[]
  readonly buttons: readonly Button[]
}

/** How an attempt stands or went: what to do next, and whose move it is. */
export function signInPage(publicUrl: PublicUrl, attempt: SignInAttemptView): string {
  const { id, fabricId, display, returnTo, ...rest } = attempt
  const { status, code, detail, owner, workspaceUser, mismatch, expectedUserName } = rest
  const message: SignInMessage = {
    type: 'weft:sign-in',
    attemptId: id,
    fabricId,
    status,
    code,
    detail,
    owner,
    workspaceUser,
    mismatch,
    expectedUserName
  }
  const signInPath = publicUrl.pathOf(`/api/v1/fabrics/${fabricId}/sign-in`)
  const data = { message, display, signInPath, returnTo: localPath(returnTo, publicUrl) }
  return draw(publicUrl, contentOf(publicUrl, attempt), data)
}

/** A sign-in that did not begin, or a callback that belongs to none that can be finished. */
export function signInProblemPage(
  publicUrl: PublicUrl,
  error: AppError,
  requestId: string,
  fabricId?: SignInAttemptView['fabricId']
): string {
  const { code, owner } = error
  const { title } = problemCatalogue[code]
  const detail = error.detail ?? title
  const again = fabricId === undefined ? [] : [againLink(publicUrl, { fabricId })]
  const content = {
    title,
    lines: [
      ...(detail === title ? [] : [detail]),
      moves[owner],
      `Code ${code}, request ${requestId}.`
    ],
    links: [...again, consoleLink(publicUrl)],
    buttons: []
  }
  const about = { code, detail, owner, workspaceUser: null, mismatch: null }
  const message: SignInMessage = {
    type: 'weft:sign-in',
    attemptId: null,
    ...(fabricId !== undefined && { fabricId }),
    status: 'failed',
    ...about
  }
  return draw(publicUrl, content, { message, display: 'page', signInPath: '', returnTo: null })
}

interface PageData {
  readonly message: SignInMessage
  readonly display: SignInAttemptView['display']
  readonly signInPath: string
  readonly returnTo: string | null
}

function draw(publicUrl: PublicUrl, content: Content, data: PageData): string {
  const { title, lines, links, buttons } = content
  const body = [
    paragraphsOf(lines),
    // Shown by the script alone, without which they do nothing.
    ...buttons.map(
      ({ action, text }) =>
        `    <p><button type="button" data-action="${action}" hidden>${escapeHtml(text)}</button></p>\n`
    ),
    ...links.map(anchorOf),
    '    <p role="alert"></p>\n'
  ]
  return framedPage(publicUrl, title, body.join(''), {
    path: signInScriptPath,
    name: 'sign-in',
    data
  })
}

function contentOf(publicUrl: PublicUrl, attempt: SignInAttemptView): Content {
  const { status, workspaceUser, mismatch, expectedUserName, display } = attempt
  const onward = onwardLinks(publicUrl, attempt)
  const close: Button[] =
    display === 'popup' ? [{ action: 'close', text: 'Close this window' }] : []
  const another: Button = { action: 'another', text: 'Sign in as somebody else' }
  const who = workspaceUser?.userName ?? 'somebody'
  if (status === 'succeeded') {
    const isOther = mismatch === 'another_email'
    const lines = isOther
      ? [
          `At the workspace you are ${who}, here you are ${expectedUserName ?? 'somebody else'}.`,
          `Your calls run as ${who} from now on. If that is you as well, there is nothing to do.`
        ]
      : ['You can close this window.']
    const buttons = [...close, ...(isOther ? [another] : [])]
    return { title: `Signed in as ${who}`, lines, links: onward, buttons }
  }
  if (mismatch === 'another_user') {
    const earlier = expectedUserName ?? 'somebody else'
    return {
      title: `You signed in as ${who}`,
      lines: [
        `Until now you were ${earlier} at this workspace, and you still are: nothing has changed.`,
        'Which of the two shall your calls run as?'
      ],
      links: onward,
      buttons: [
        { action: 'as_is', text: `Change to ${who}` },
        { ...another, text: `Sign in as ${earlier} or somebody else` },
        ...close
      ]
    }
  }
  const again = againLink(publicUrl, attempt)
  if (status === 'pending') {
    const lines = ['Finish it at the workspace, or begin again.']
    return { title: 'The sign-in is not finished', lines, links: [again, ...onward], buttons: [] }
  }
  const code = attempt.code ?? 'attempt_expired'
  const { title } = problemCatalogue[code]
  const detail = attempt.detail === null || attempt.detail === title ? [] : [attempt.detail]
  const lines = [...detail, moves[attempt.owner ?? 'caller'], `Code ${code}.`]
  return { title, lines, links: [again, ...onward], buttons: close }
}

function onwardLinks(
  publicUrl: PublicUrl,
  { display, returnTo }: Pick<SignInAttemptView, 'display' | 'returnTo'>
): Link[] {
  if (display === 'popup') return []
  const path = localPath(returnTo, publicUrl)
  return [path === null ? consoleLink(publicUrl) : { href: path, text: 'Go on' }]
}

function consoleLink(publicUrl: PublicUrl): Link {
  return { href: publicUrl.pathOf('/console'), text: 'Go to the console' }
}

function againLink(
  publicUrl: PublicUrl,
  attempt: Pick<SignInAttemptView, 'fabricId'> & Partial<SignInAttemptView>
): Link {
  const query = new URLSearchParams()
  if (attempt.display === 'popup') query.set('display', 'popup')
  if (attempt.returnTo) query.set('return_to', attempt.returnTo)
  const end = query.size === 0 ? '' : `?${query}`
  return { href: publicUrl.pathOf(`/sign-in/${attempt.fabricId}${end}`), text: 'Sign in again' }
}
