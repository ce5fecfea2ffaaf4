import { Title } from '@mantine/core'
import type { TabProps } from './tab-props.ts'

export default function TestHistory({ fabric }: TabProps) {
  return <Title order={2}>TestHistory of {fabric.name}</Title>
}
