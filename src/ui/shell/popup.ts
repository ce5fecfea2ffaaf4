/** What the sign-in's own page tells when it has ended. */
export interface SignInMessage {
  readonly fabricId?: string
  readonly status: string
}

const loginChannel = 'weft:login'
const signInChannel = 'weft:sign-in'

/** A window of ours says that somebody has logged in. */
export function tellLogin(): void {
  const channel = new BroadcastChannel(loginChannel)
  channel.postMessage('logged-in')
  channel.close()
}

function listen<T>(name: string, listener: (message: T) => void): () => void {
  const channel = new BroadcastChannel(name)
  channel.addEventListener('message', ({ data }: MessageEvent<T>) => listener(data))
  return () => channel.close()
}

/** @returns how to stop listening */
export function onLogin(listener: () => void): () => void {
  return listen(loginChannel, listener)
}

/** @returns how to stop listening */
export function onSignIn(listener: (message: SignInMessage) => void): () => void {
  return listen(signInChannel, listener)
}

/** Opens a window above the page, empty until it is told where to go. @returns null where popups are blocked */
export function openPopup(url: string): Window | null {
  return window.open(url, '_blank', 'popup,width=520,height=720')
}
