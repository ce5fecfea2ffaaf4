// How a sign-in went, told to the window that opened this one, and what can be done next.
const main = document.querySelector('main')
const { message, display, signInPath, returnTo } = JSON.parse(main.dataset.signIn)

// The code of a callback that could not be finished has no place in an address bar.
history.replaceState(null, '', location.pathname)

// A workspace may cut this window off from its opener; then the channel of this origin still reaches it.
new BroadcastChannel('weft:sign-in').postMessage(message)
if (window.opener) window.opener.postMessage(message, location.origin)

if (display === 'popup' && message.status === 'succeeded' && message.mismatch === null) {
  window.close()
}

async function signInAgain(button) {
  button.disabled = true
  const response = await fetch(signInPath, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-weft-csrf': '1' },
    body: JSON.stringify({
      display,
      switchUser: true,
      asksWho: button.dataset.action === 'another',
      ...(returnTo !== null && { returnTo })
    })
  })
  const answer = await response.json()
  if (response.ok) return location.assign(answer.authorizationUrl)
  document.querySelector('[role=alert]').textContent = answer.detail ?? answer.title
  button.disabled = false
}

for (const button of document.querySelectorAll('button[data-action]')) {
  button.hidden = false
  button.addEventListener('click', () => {
    if (button.dataset.action === 'close') return window.close()
    return signInAgain(button)
  })
}
