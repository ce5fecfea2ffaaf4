import { Group, SegmentedControl, Stack, Text, Title } from '@mantine/core'
import { IconChartBar } from '@tabler/icons-react'
import { useState } from 'react'
import { useMe } from '../../../api/me.ts'
import { useList } from '../../../api/queries.ts'
import { dayMs } from '../../../parts/days.ts'
import { Empty } from '../../../parts/empty.tsx'
import { Loading } from '../../../parts/page.tsx'
import { ProblemView } from '../../../parts/problem-view.tsx'
import { Section } from '../../../parts/section.tsx'
import { ShowMore } from '../../../parts/show-more.tsx'
import type { TabProps } from '../tab-props.ts'
import { Chart } from './chart.tsx'
import { count, FiguresTable, milliseconds, type UsageItem } from './figures.tsx'

const rangeDays = { '7': 7, '30': 30, '90': 90 } as const
type Range = keyof typeof rangeDays

function daysOf(range: Range): readonly string[] {
  const today = Date.now()
  const length = rangeDays[range]
  return Array.from({ length }, (_, at) =>
    new Date(today - (length - 1 - at) * dayMs).toISOString().slice(0, 10)
  )
}

const callerKinds: Readonly<Record<string, string>> = {
  user: 'A person',
  service_account: 'A service account'
}

/** What was asked through the fabric: by day, and by whom. */
export default function Usage({ fabric }: TabProps) {
  const [range, setRange] = useState<Range>('30')
  const days = daysOf(range)
  const path = { fabricId: fabric.id }
  const from = days[0] ?? ''
  const byDay = useList('fabricUsage', { path, query: { from, groupBy: 'day', limit: 200 } })
  const byCaller = useList('fabricUsage', { path, query: { from, groupBy: 'caller', limit: 100 } })
  const { user } = useMe()
  const total = byDay.data?.pages[0]?.total
  const found = new Map(byDay.items.map((item) => [item.day, item]))
  const barsOf = (value: (item: UsageItem) => number, part?: (item: UsageItem) => number) =>
    days.map((label) => {
      const item = found.get(label)
      return { label, value: item ? value(item) : 0, part: item && part ? part(item) : 0 }
    })
  const nameOf = ({ caller }: UsageItem) => {
    if (caller === null) return 'Unknown'
    if (caller.id === user.id) return 'You'
    if (caller.name !== null) return caller.name
    return (
      <>
        {callerKinds[caller.kind] ?? caller.kind} no longer here{' '}
        <Text span className="mono" c="dimmed">
          {caller.id}
        </Text>
      </>
    )
  }
  return (
    <Stack gap="lg">
      <Group justify="space-between">
        <Title order={2}>Usage</Title>
        <SegmentedControl
          size="xs"
          aria-label="Range"
          value={range}
          onChange={(next) => setRange(next === '7' || next === '90' ? next : '30')}
          data={[
            { value: '7', label: '7 days' },
            { value: '30', label: '30 days' },
            { value: '90', label: '90 days' }
          ]}
        />
      </Group>
      {byDay.isError && <ProblemView error={byDay.error} onRetry={() => byDay.refetch()} />}
      {byDay.isPending && <Loading of="the usage" />}
      {total && total.calls === 0 && (
        <Empty icon={<IconChartBar size={22} />} title="Nothing was asked yet">
          Calls through this fabric are counted here a moment after they end. Ask an endpoint in the
          playground to see the first.
        </Empty>
      )}
      {total && total.calls > 0 && (
        <>
          <div className="charts">
            <Chart
              title="Calls; red did not succeed"
              total={`${count.format(total.calls)}, ${count.format(total.errors)} failed`}
              bars={barsOf(
                ({ calls }) => calls,
                ({ errors }) => errors
              )}
              format={(value) => count.format(value)}
            />
            <Chart
              title="Mean latency"
              total={milliseconds(total.duration.meanMs)}
              bars={barsOf(({ duration }) => duration.meanMs ?? 0)}
              format={milliseconds}
            />
            <Chart
              title="Tokens, as far as answers told"
              total={count.format(total.totalTokens)}
              bars={barsOf(({ totalTokens }) => totalTokens)}
              format={(value) => count.format(value)}
            />
          </div>
          <Section
            title="By day"
            description="The figures of the charts; days without calls left out."
          >
            <FiguresTable
              caption="Usage by day"
              head="Day (UTC)"
              items={byDay.items}
              nameOf={({ day }) => day}
              keyOf={({ day }) => day ?? ''}
            />
          </Section>
          <Section
            title="By caller"
            description="Admins of the team see everybody’s calls, others their own."
          >
            {byCaller.isError && <ProblemView error={byCaller.error} />}
            <FiguresTable
              caption="Usage by caller"
              head="Caller"
              items={byCaller.items}
              nameOf={nameOf}
              keyOf={({ caller }) => `${caller?.kind} ${caller?.id}`}
            />
            <ShowMore of={byCaller} />
          </Section>
        </>
      )}
    </Stack>
  )
}
