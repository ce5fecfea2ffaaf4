import { Button, Tabs } from '@mantine/core'
import { IconBuilding, IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useMe } from '../../api/me.ts'
import { Empty } from '../../parts/empty.tsx'
import { Page } from '../../parts/page.tsx'
import { TabStrip } from '../../parts/tab-strip.tsx'
import { Health } from './health.tsx'
import { Keys } from './keys.tsx'
import { NewTenant } from './new-tenant.tsx'
import { Tenants } from './tenants.tsx'
import './operations.css'

/** For who runs Weft: how it stands, its keys, and the organisations on it. */
export function OperationsPage() {
  const { isPlatformOperator } = useMe()
  return isPlatformOperator ? (
    <Overview />
  ) : (
    <Page title="Operations">
      <Empty icon={<IconBuilding size={22} />} title="For platform operators">
        Whoever runs this Weft can make you one: weft operator add.
      </Empty>
    </Page>
  )
}

const parts = [
  ['health', 'Health'],
  ['keys', 'Keys'],
  ['tenants', 'Organisations']
] as const
type Part = (typeof parts)[number][0]

function Overview() {
  const [part, setPart] = useState<Part>('health')
  const [isMaking, setIsMaking] = useState(false)
  const begin = () => {
    setPart('tenants')
    setIsMaking(true)
  }
  return (
    <Page
      title="Operations"
      description="This Weft as a whole: the processes that serve, the keys, and the organisations on it."
      actions={
        <Button leftSection={<IconPlus size={16} />} onClick={begin}>
          Add an organisation
        </Button>
      }
    >
      <Tabs
        value={part}
        keepMounted={false}
        onChange={(next) => setPart(parts.find(([one]) => one === next)?.[0] ?? part)}
      >
        <TabStrip label="Parts of operations" tabs={parts} value={part} />
        <Tabs.Panel value="health" pt="lg">
          <Health />
        </Tabs.Panel>
        <Tabs.Panel value="keys" pt="lg">
          <Keys />
        </Tabs.Panel>
        <Tabs.Panel value="tenants" pt="lg">
          <Tenants />
        </Tabs.Panel>
      </Tabs>
      <NewTenant isOpen={isMaking} onClose={() => setIsMaking(false)} />
    </Page>
  )
}
