import { call, type Input } from '../../api/client.ts'

export type Filter = NonNullable<Input<'auditList'>['query']>

/** Asks for all that the filter finds, page by page, and hands it over as a file of one JSON object a line. */
export async function exportEvents(
  filter: Filter,
  signal: AbortSignal,
  onProgress: (count: number) => void
): Promise<void> {
  const parts: string[] = []
  let count = 0
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query: Filter = { ...filter, limit: 200, ...(cursor !== '' && { cursor }) }
    const page = await call('auditList', { query }, { signal })
    parts.push(page.items.map((event) => `${JSON.stringify(event)}\n`).join(''))
    count += page.items.length
    onProgress(count)
    cursor = page.nextCursor
  }
  const day = new Date().toISOString().slice(0, 10)
  saveFile(`weft-audit-${day}.ndjson`, parts, 'application/x-ndjson')
}

/** Hands a file over as browsers do. */
export function saveFile(name: string, parts: string[], type: string): void {
  const url = URL.createObjectURL(new Blob(parts, { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
}
