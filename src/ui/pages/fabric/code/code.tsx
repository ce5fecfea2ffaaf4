import { Anchor, Group, Stack, Tabs, Text, Title } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useIsTenantAdmin, useMe } from '../../../api/me.ts'
import { CodeBlock } from '../../../parts/code-block.tsx'
import { Copyable } from '../../../parts/copy.tsx'
import { Facts } from '../../../parts/facts.tsx'
import { TabStrip } from '../../../parts/tab-strip.tsx'
import { baseUrlsOf } from '../base-urls.ts'
import type { TabProps } from '../tab-props.ts'
import { type Snippet, snippetsOf } from './snippets.ts'

function titleOf({ title, language }: Snippet): string {
  return title.startsWith('OpenAI') ? `${title} (${language})` : title
}

function keyOf({ title, language }: Snippet): string {
  return `${title} ${language}`.toLowerCase().replaceAll(' ', '-')
}

function KeyHint() {
  const isAdmin = useIsTenantAdmin()
  return (
    <Stack gap={6}>
      <Text size="sm">
        <b>A script of your own</b> runs as you: make a{' '}
        <Anchor component={Link} to="/account" inherit underline="always">
          personal access token
        </Anchor>
        .
      </Text>
      <Text size="sm">
        <b>A program that runs on its own</b> runs as the fabric’s service principal: it takes the
        key of a{' '}
        {isAdmin ? (
          <Anchor component={Link} to="/service-accounts" inherit underline="always">
            service account
          </Anchor>
        ) : (
          'service account, which an admin of your organisation makes'
        )}
        .
      </Text>
      <Text size="sm">
        Put either into the environment as <code>WEFT_TOKEN</code>, never into the code.
      </Text>
    </Stack>
  )
}

/** How programs use the fabric: its address, which key, and what to write. */
export default function Code({ fabric }: TabProps) {
  const { tenant } = useMe()
  const urls = baseUrlsOf(fabric, tenant.slug)
  const { warehouseId, httpPath } = fabric.compute
  const sqlPath = httpPath ?? (warehouseId ? `/sql/1.0/warehouses/${warehouseId}` : null)
  const snippets = snippetsOf({ ...urls, httpPath: sqlPath && `/${sqlPath.replace(/^\//, '')}` })
  const [chosen, setChosen] = useState(snippets[0] ? keyOf(snippets[0]) : null)
  return (
    <Stack gap="lg">
      <Stack className="card" p="lg" gap="md">
        <Title order={2}>Address and key</Title>
        <Facts
          facts={[
            ['Address', <Copyable key="path" value={urls.byPath} label="Copy the address" />],
            [
              'Host of its own',
              urls.byHost && <Copyable key="host" value={urls.byHost} label="Copy the host" />
            ],
            ['Key', <KeyHint key="key" />]
          ]}
        />
      </Stack>
      <Stack className="card" p="lg" gap="sm">
        <Title order={2}>Use it from code</Title>
        <Text size="sm" c="dimmed">
          Every client of Databricks works once its host and key are these.
        </Text>
        <Tabs value={chosen} onChange={setChosen} keepMounted={false}>
          <TabStrip
            label="Client"
            tabs={snippets.map((one) => [keyOf(one), titleOf(one)])}
            value={chosen}
          />
          {snippets.map((one) => (
            <Tabs.Panel key={keyOf(one)} value={keyOf(one)} pt="md">
              <Stack gap="sm">
                <Group gap="sm">
                  <Text size="sm">{one.note}</Text>
                </Group>
                {one.text && (
                  <CodeBlock text={one.text} label={`${one.title} in ${one.language}`} />
                )}
              </Stack>
            </Tabs.Panel>
          ))}
        </Tabs>
      </Stack>
    </Stack>
  )
}
