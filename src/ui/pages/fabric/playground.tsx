import { Title } from '@mantine/core'
import type { TabProps } from './tab-props.ts'

export default function Playground({ fabric }: TabProps) {
  return <Title order={2}>Playground of {fabric.name}</Title>
}
