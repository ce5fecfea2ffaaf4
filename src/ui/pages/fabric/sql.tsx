import { Title } from '@mantine/core'
import type { TabProps } from './tab-props.ts'

export default function Sql({ fabric }: TabProps) {
  return <Title order={2}>Sql of {fabric.name}</Title>
}
