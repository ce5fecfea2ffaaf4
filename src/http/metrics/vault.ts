import type { Counts, Durations, Each } from '../../base/measures.ts'
import { gauge, labelled, type Metric } from './exposition.ts'

/** What the vault counts, as far as the operator reads it. */
export interface VaultCounts {
  readonly refreshes: Each<string, { readonly outcomes: Counts<string>; readonly took: Durations }>
  readonly refreshing: number
  readonly held: {
    readonly hits: number
    readonly misses: number
    readonly entries: number
    readonly entriesMax: number
  }
}

/** How well sign-ins and service principals are kept alive, and how often a token was at hand. */
export function vaultMetrics(read: () => VaultCounts): Metric[] {
  return [
    {
      type: 'counter',
      name: 'weft_refreshes_total',
      help: 'Refreshes that this replica owned, by identity (user: U2M, service_principal: M2M) and outcome',
      *read() {
        for (const [identity, { outcomes }] of read().refreshes) {
          for (const [outcome, count] of outcomes.all()) yield [{ identity, outcome }, count]
        }
      }
    },
    {
      type: 'histogram',
      name: 'weft_refresh_seconds',
      help: 'From beginning a refresh to its outcome being stored',
      *read() {
        for (const [identity, { took }] of read().refreshes) yield [{ identity }, took]
      }
    },
    gauge(
      'weft_refreshes_running',
      'Refreshes under way in this replica, those that wait for another one included',
      () => read().refreshing
    ),
    {
      type: 'counter',
      name: 'weft_token_cache_lookups_total',
      help: 'Look-ups of a grant and its token: hit in memory, miss in the database',
      read() {
        const { hits, misses } = read().held
        return labelled('result', [
          ['hit', hits],
          ['miss', misses]
        ])
      }
    },
    gauge('weft_token_cache_entries', 'Grants held in memory', () => read().held.entries),
    gauge(
      'weft_token_cache_entries_max',
      'The most grants that are held in memory',
      () => read().held.entriesMax
    )
  ]
}
