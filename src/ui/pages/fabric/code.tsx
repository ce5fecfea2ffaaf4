import { Title } from '@mantine/core'
import type { TabProps } from './tab-props.ts'

export default function Code({ fabric }: TabProps) {
  return <Title order={2}>Code of {fabric.name}</Title>
}
