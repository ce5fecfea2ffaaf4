import type { OpenFabric } from '../fabrics/fabric-access.ts'
import type { Ask } from './kinds/kind.ts'

/** In the form that URL parsing gives it, so that it is sent as it was checked. */
export function upstreamPathOf(fabric: OpenFabric, ask: Ask, query: string): string {
  if (query === '') return ask.upstreamPath
  const url = new URL(ask.upstreamPath, fabric.workspaceOrigin)
  url.search = query
  return url.pathname + url.search
}
