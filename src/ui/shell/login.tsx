import { Button, Center, Paper, Stack, Text, TextInput, Title } from '@mantine/core'
import { useDocumentTitle } from '@mantine/hooks'
import { type FormEvent, useState } from 'react'
import { loginUrl } from '../api/me.ts'
import { Mark } from './mark.tsx'

const organisation = /^[a-z0-9-]{1,40}$/
const address = /^[^@\s]+@[^@\s]+$/

/** Asks for the organisation and leads to its identity provider; afterwards one is where one wanted to go. */
export function Login() {
  useDocumentTitle('Log in – Weft')
  const [text, setText] = useState('')
  const [error, setError] = useState<string | null>(null)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const who = text.trim().toLowerCase()
    if (!organisation.test(who) && !address.test(who)) {
      setError('The short name of your organisation, or an email address')
      return
    }
    const { pathname, search } = window.location
    const given = address.test(who) ? { email: who } : { tenant: who }
    window.location.assign(loginUrl(given, pathname + search))
  }
  return (
    <Center mih="100vh" p="md" component="main">
      <Paper className="card" p={32} w="100%" maw={400}>
        <form onSubmit={submit} noValidate>
          <Stack gap="lg">
            <Stack gap="xs">
              <Mark size={36} />
              <Title order={1}>Log in to Weft</Title>
              <Text size="sm" c="dimmed">
                Your organisation's identity provider knows you; Weft has no password of yours.
              </Text>
            </Stack>
            <TextInput
              label="Organisation, or your email address"
              placeholder="acme"
              autoComplete="organization"
              autoCapitalize="none"
              spellCheck={false}
              value={text}
              error={error}
              onChange={(event) => {
                setText(event.currentTarget.value)
                setError(null)
              }}
            />
            <Button type="submit">Log in</Button>
          </Stack>
        </form>
      </Paper>
    </Center>
  )
}
