import { Text } from '@mantine/core'
import { Time } from './time.tsx'

export interface SecretTimesOf {
  readonly setAt: string
  readonly lastUsedAt: string | null
  readonly expiresAt?: string | null
}

/** Since when a secret is there, when it served last, and when it ends where that is known. */
export function SecretTimes({
  of: { setAt, lastUsedAt, expiresAt }
}: {
  readonly of: SecretTimesOf
}) {
  return (
    <Text size="xs" c="dimmed">
      set <Time at={setAt} /> · last used <Time at={lastUsedAt} />
      {expiresAt && (
        <>
          {' '}
          · ends <Time at={expiresAt} />
        </>
      )}
    </Text>
  )
}
