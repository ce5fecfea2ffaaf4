/** A plain page; `body` is markup whose values went through `text`. */
export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(title)}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 26rem; margin: 10vh auto; padding: 0 1rem }
button { font: inherit; display: block; width: 100%; margin: .5rem 0; padding: .6rem; cursor: pointer }
small { color: #555 }
</style>
</head>
<body>
<main>
<h1>${text(title)}</h1>
${body}
</main>
</body>
</html>
`
}

export function text(value: string): string {
  return value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

/** One button per person; posts `login={email}`. */
export function personForm(
  action: string,
  people: readonly { readonly email: string; readonly name: string }[]
): string {
  const buttons = people.map(
    ({ email, name }) =>
      `<button type="submit" name="login" value="${text(email)}">${text(name)} <small>${text(email)}</small></button>`
  )
  return `<form method="post" action="${text(action)}">\n${buttons.join('\n')}\n</form>`
}
