import { Code, Group, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { pathOf } from '../../api/prefix.ts'
import { useList } from '../../api/queries.ts'
import { Choice } from '../../parts/choice.tsx'
import { CopyWithWords } from '../../parts/copy.tsx'
import { Section } from '../../parts/section.tsx'
import type { AccountProps } from './account-props.ts'

const languages = [
  { value: 'curl', label: 'curl' },
  { value: 'python', label: 'Python' },
  { value: 'typescript', label: 'TypeScript' }
] as const
type Language = (typeof languages)[number]['value']

interface Call {
  readonly base: string
  readonly endpoint: string
}

const snippets: Readonly<Record<Language, (call: Call) => string>> = {
  curl: ({ base, endpoint }) => `curl ${base}/serving-endpoints/${endpoint}/invocations \\
  -H "Authorization: Bearer $WEFT_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{"messages": [{"role": "user", "content": "Hello"}]}'`,
  python: ({ base, endpoint }) => `import os
from openai import OpenAI

client = OpenAI(base_url="${base}/serving-endpoints", api_key=os.environ["WEFT_KEY"])
answer = client.chat.completions.create(
    model="${endpoint}", messages=[{"role": "user", "content": "Hello"}]
)`,
  typescript: ({ base, endpoint }) => `import OpenAI from 'openai'

const client = new OpenAI({
  baseURL: '${base}/serving-endpoints',
  apiKey: process.env.WEFT_KEY
})
const answer = await client.chat.completions.create({
  model: '${endpoint}',
  messages: [{ role: 'user', content: 'Hello' }]
})`
}

/** What the service says, with a key in its environment. */
export function HowToCall({ account }: AccountProps) {
  const fabrics = useList('fabricList', {})
  const [language, setLanguage] = useState<Language>('curl')
  const [first] = account.fabrics
  const fabric = fabrics.items.find(({ id }) => id === first?.fabricId)
  const base = `${location.origin}${pathOf(`/fabrics/${first?.fabricId ?? 'FABRIC'}`)}`
  const endpoint = first?.endpoints?.[0] ?? fabric?.endpointAllowList?.[0] ?? 'ENDPOINT'
  const code = snippets[language]({ base, endpoint })
  return (
    <Section
      title="How it calls"
      description={
        first === undefined
          ? 'Let it use a fabric first; then the address stands here.'
          : 'With its key in the environment variable WEFT_KEY. Databricks clients work by changing the host.'
      }
    >
      <Stack px="lg" pb="lg" gap="sm">
        <Group justify="space-between">
          <Choice label="Language" options={languages} value={language} onChange={setLanguage} />
          <CopyWithWords value={code} label="Copy the code" />
        </Group>
        <Code block className="wrapped">
          {code}
        </Code>
        <Text size="xs" c="dimmed">
          It acts as the service principal of the fabric.
        </Text>
      </Stack>
    </Section>
  )
}
