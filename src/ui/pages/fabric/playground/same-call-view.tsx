import { Anchor, Stack, Tabs, Text, Title } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { CodeBlock } from '../../../parts/code-block.tsx'
import { asCurl, asPython, asTypeScript, type SameCall } from './same-call.ts'

const languages = [
  ['curl', 'curl', asCurl],
  ['python', 'Python', asPython],
  ['typescript', 'TypeScript', asTypeScript]
] as const

/** What was asked here, for a terminal or a program. */
export function SameCallView({ call }: { readonly call: SameCall }) {
  return (
    <Stack className="card" p="lg" gap="sm">
      <Title order={2}>The same call from code</Title>
      <Text size="sm" c="dimmed">
        Put a{' '}
        <Anchor inherit underline="always" component={Link} to="/account">
          personal access token
        </Anchor>{' '}
        into <code>WEFT_TOKEN</code>. A program that runs on its own takes a service account’s key.
      </Text>
      <Tabs defaultValue="curl" keepMounted={false}>
        <Tabs.List mb="sm" aria-label="Language">
          {languages.map(([value, words]) => (
            <Tabs.Tab key={value} value={value}>
              {words}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {languages.map(([value, words, write]) => (
          <Tabs.Panel key={value} value={value}>
            <CodeBlock text={write(call)} label={`The same call as ${words}`} />
          </Tabs.Panel>
        ))}
      </Tabs>
    </Stack>
  )
}
