import { useState } from 'react'
import { useCall, useList } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { AddButton } from '../../parts/add-button.tsx'
import { CredentialRow } from '../../parts/credential-row.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { Nothing, Section } from '../../parts/section.tsx'
import { ShowMore } from '../../parts/show-more.tsx'
import { NewToken } from './new-token.tsx'

type Token = Schemas['PersonalToken']

function reachOf({ scope }: Token): string {
  const what = scope.access === 'read' ? 'Reads' : 'Queries'
  const count = scope.fabrics?.length
  if (count === undefined) return `${what} every fabric of yours`
  return `${what} ${count} ${count === 1 ? 'fabric' : 'fabrics'}`
}

function TokenRow({ token }: { readonly token: Token }) {
  const revoke = useCall('personalTokenRevoke', ['personalTokenList'])
  return (
    <CredentialRow
      kind="token"
      of={token}
      note={reachOf(token)}
      warning="Whatever uses it is refused at once. This cannot be undone."
      onRevoke={() => revoke.mutateAsync({ path: { tokenId: token.id } })}
    />
  )
}

/** For one's own scripts: tokens that act as oneself, and end. */
export function PersonalTokens() {
  const list = useList('personalTokenList', {})
  const [isMaking, setIsMaking] = useState(false)
  return (
    <Section
      title="Personal access tokens"
      description="For your own scripts and notebooks. A token acts as you; for services that run on their own, use a service account."
      action={<AddButton onClick={() => setIsMaking(true)}>New token</AddButton>}
    >
      {list.isError && <ProblemView error={list.error} onRetry={() => list.refetch()} />}
      {list.isSuccess && list.items.length === 0 && <Nothing>You have no token.</Nothing>}
      <ul className="plain-list" aria-label="Personal access tokens">
        {list.items.map((token) => (
          <TokenRow key={token.id} token={token} />
        ))}
      </ul>
      <ShowMore of={list} />
      <NewToken isOpen={isMaking} onClose={() => setIsMaking(false)} />
    </Section>
  )
}
