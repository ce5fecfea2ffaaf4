import { useState } from 'react'
import type { As } from '../act-as.tsx'
import { exampleOf, type Kind } from './examples.ts'

export interface Draft {
  readonly endpoint: string
  readonly kind: Kind
  readonly body: string
  readonly as: As
}

const fresh: Draft = { endpoint: '', kind: 'chat', body: exampleOf('chat'), as: 'user' }

/** As long as the pages are loaded: another tab of the fabric and back, and nothing typed is lost. */
const drafts = new Map<string, Draft>()

export function useDraft(fabricId: string) {
  const [draft, setDraft] = useState(() => drafts.get(fabricId) ?? fresh)
  const change = (part: Partial<Draft>) => {
    const next = { ...draft, ...part }
    drafts.set(fabricId, next)
    setDraft(next)
  }
  return [draft, change] as const
}
