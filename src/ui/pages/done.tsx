import { Center, Stack, Text, Title } from '@mantine/core'
import { useDocumentTitle } from '@mantine/hooks'
import { useEffect } from 'react'
import { tellLogin } from '../shell/popup.ts'

/** Where a window ends that was opened for a login: it tells the page that opened it, and closes. */
export function Done() {
  useDocumentTitle('Done – Weft')
  useEffect(() => {
    tellLogin()
    window.close()
  }, [])
  return (
    <Center mih="100vh" p="md" component="main">
      <Stack gap="xs" align="center">
        <Title order={1}>Done</Title>
        <Text c="dimmed">You can close this window; the other page goes on by itself.</Text>
      </Stack>
    </Center>
  )
}
