import { Badge, Button, Group, Stack, Text } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useConfirm } from './confirm.tsx'
import { Time } from './time.tsx'
import { tell } from './toast.ts'
import './section.css'

interface Props {
  readonly kind: 'token' | 'key'
  readonly of: {
    readonly name: string
    readonly hint: string
    readonly lastUsedAt: string | null
    readonly expiresAt: string | null
  }
  /** What else there is to know of it. */
  readonly note?: ReactNode
  /** Where it was last used from. */
  readonly from?: string | null
  /** What happens once it is revoked. */
  readonly warning: string
  readonly onRevoke: () => Promise<unknown>
}

/** One of the tokens or keys of somebody or something, to be revoked. */
export function CredentialRow({ kind, of, note, from, warning, onRevoke }: Props) {
  const { name, hint, lastUsedAt, expiresAt } = of
  const confirm = useConfirm()
  const [isRevoking, setIsRevoking] = useState(false)
  const isOver = expiresAt !== null && Date.parse(expiresAt) < Date.now()
  const revoke = async () => {
    const isSure = await confirm({
      title: `Revoke “${name}”?`,
      text: warning,
      action: `Revoke the ${kind}`,
      isDangerous: true
    })
    if (!isSure) return
    setIsRevoking(true)
    await tell(onRevoke(), `The ${kind} is revoked`)
    setIsRevoking(false)
  }
  return (
    <li className="section-row">
      <Stack gap={0}>
        <Group gap={8}>
          <Text size="sm" fw={500}>
            {name}
          </Text>
          <Text size="xs" c="dimmed" className="mono">
            {hint}
          </Text>
          {isOver && (
            <Badge variant="light" color="gray" size="sm" radius="sm">
              Expired
            </Badge>
          )}
        </Group>
        {note && (
          <Text size="xs" c="dimmed">
            {note}
          </Text>
        )}
      </Stack>
      <Text size="sm" c="dimmed">
        Last used <Time at={lastUsedAt} />
        {from && ` from ${from}`}, {expiresAt !== null && (isOver ? 'ended ' : 'ends ')}
        <Time at={expiresAt} none="never ends" />
      </Text>
      <Button
        variant="subtle"
        color="red"
        size="xs"
        aria-label={`Revoke ${name}`}
        loading={isRevoking}
        onClick={revoke}
      >
        Revoke
      </Button>
    </li>
  )
}
