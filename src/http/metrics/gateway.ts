import type { Durations } from '../../base/measures.ts'
import {
  breakerStates,
  type Gateway,
  type KindMeasures,
  refusalReasons
} from '../../gateway/gateway.ts'
import { gauge, type Labels, labelled, type Metric } from './exposition.ts'

/** What the gateway is at, whom it refused, and what came of the calls that it let go. */
export function gatewayMetrics({ load }: Pick<Gateway, 'load'>): Metric[] {
  function* perKind(
    pick: (kind: KindMeasures) => Durations
  ): Iterable<readonly [Labels, Durations]> {
    for (const [kind, measures] of load().measures.byKind) yield [{ kind }, pick(measures)]
  }

  return [
    gauge(
      'weft_gateway_calls_in_flight',
      'Calls on the data plane that are under way',
      () => load().inFlight
    ),
    {
      type: 'gauge',
      name: 'weft_gateway_breakers',
      help: 'Workspace hosts in trouble: failing (still asked), open (not asked), probing (due to be asked again)',
      read() {
        const { breakers } = load()
        return breakerStates.map((state) => [{ state }, breakers[state]])
      }
    },
    {
      type: 'counter',
      name: 'weft_gateway_calls_refused_total',
      help: 'Calls refused before anything of them was sent, by the bound that they met',
      read() {
        const { refused } = load()
        return refusalReasons.map((bound) => [{ bound }, refused[bound]])
      }
    },
    {
      type: 'counter',
      name: 'weft_upstream_calls_total',
      help: 'Calls sent to workspaces, by kind, identity, and how the workspace answered (error: not at all)',
      *read() {
        for (const [kind, { answers }] of load().measures.byKind) {
          for (const [identity, counts] of answers) {
            for (const [status, count] of counts.all()) yield [{ kind, identity, status }, count]
          }
        }
      }
    },
    {
      type: 'histogram',
      name: 'weft_upstream_seconds',
      help: 'From sending a call to the last byte of its answer',
      read: () => perKind(({ upstream }) => upstream)
    },
    {
      type: 'histogram',
      name: 'weft_first_byte_seconds',
      help: 'From sending a call to the head of its answer',
      read: () => perKind(({ firstByte }) => firstByte)
    },
    {
      type: 'histogram',
      name: 'weft_own_seconds',
      help: 'Of a call, what neither the workspace nor the wait for a token took',
      read: () => perKind(({ own }) => own)
    },
    {
      type: 'histogram',
      name: 'weft_token_wait_seconds',
      help: 'How long calls waited for their token, by where it came from',
      read: () => labelled('source', load().measures.tokens)
    }
  ]
}
