import { Anchor } from '@mantine/core'

/** Whom to ask where one may not do it oneself. */
export function Contacts({
  people
}: {
  readonly people: readonly { name: string; email: string }[]
}) {
  if (people.length === 0) return <>Ask an admin of your organisation.</>
  return (
    <>
      Ask{' '}
      {people.map(({ name, email }, at) => (
        <span key={email}>
          {at > 0 && ', '}
          <Anchor href={`mailto:${email}`} inherit>
            {name}
          </Anchor>
        </span>
      ))}
      .
    </>
  )
}
