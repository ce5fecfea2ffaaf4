import { Anchor, Button, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { queryOf, useList } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { connectionWords } from '../../parts/connection-words.ts'
import { ProblemView } from '../../parts/problem-view.tsx'
import { Nothing, Section } from '../../parts/section.tsx'
import { ShowMore } from '../../parts/show-more.tsx'
import { StateMark } from '../../parts/states.tsx'
import { Time } from '../../parts/time.tsx'

type Fabric = Schemas['Fabric']

/** One workspace: fabrics that share a sign-in stand together. */
interface Place {
  readonly key: string
  readonly first: Fabric
  readonly fabrics: Fabric[]
}

function placesOf(fabrics: readonly Fabric[]): Place[] {
  const places = new Map<string, Place>()
  for (const fabric of fabrics) {
    if (fabric.status === 'draft') continue
    const shared = `${fabric.workspaceUrl} ${fabric.appConnectionId ?? ''}`
    const key = fabric.authMethod === 'pat' ? fabric.id : shared
    const place = places.get(key)
    if (place) place.fabrics.push(fabric)
    else places.set(key, { key, first: fabric, fabrics: [fabric] })
  }
  return [...places.values()]
}

function PlaceRow({ place: { first, fabrics } }: { readonly place: Place }) {
  const { data } = useQuery(queryOf('connectionGet', { path: { fabricId: first.id } }))
  return (
    <li className="section-row">
      <Stack gap={0}>
        <Text size="sm" fw={500} truncate>
          {first.workspaceUrl.replace(/^https?:\/\//, '')}
        </Text>
        <Text size="xs" c="dimmed">
          {fabrics.map((fabric, at) => (
            <span key={fabric.id}>
              {at > 0 && ', '}
              <Anchor
                inherit
                renderRoot={(props) => (
                  <Link to="/fabrics/$fabricId" params={{ fabricId: fabric.id }} {...props} />
                )}
              >
                {fabric.name}
              </Anchor>
            </span>
          ))}
        </Text>
      </Stack>
      {data === undefined ? (
        <span />
      ) : (
        <Stack gap={0}>
          <StateMark state={data.state} words={connectionWords(data)} />
          <Text size="xs" c="dimmed">
            {data.workspaceUser && `as ${data.workspaceUser.userName}`}
            {data.predictedSignInAt && (
              <>
                , lasts until <Time at={data.predictedSignInAt} />
              </>
            )}
          </Text>
        </Stack>
      )}
      <Button
        variant="default"
        size="xs"
        aria-label={`Manage the sign-in at ${first.name}`}
        renderRoot={(props) => (
          <Link
            to="/fabrics/$fabricId/$tab"
            params={{ fabricId: first.id, tab: 'connection' }}
            {...props}
          />
        )}
      >
        Manage
      </Button>
    </li>
  )
}

/** Who one is at each workspace, by workspace: several fabrics share one sign-in. */
export function SignIns() {
  const list = useList('fabricList', {})
  const places = placesOf(list.items)
  return (
    <Section
      title="My sign-ins"
      description="Where Weft may act as you. Fabrics on one workspace share a sign-in."
    >
      {list.isError && <ProblemView error={list.error} onRetry={() => list.refetch()} />}
      {list.isSuccess && places.length === 0 && (
        <Nothing>None of your teams has a finished fabric yet.</Nothing>
      )}
      <ul className="plain-list" aria-label="My sign-ins">
        {places.map((place) => (
          <PlaceRow key={place.key} place={place} />
        ))}
      </ul>
      <ShowMore of={list} />
    </Section>
  )
}
