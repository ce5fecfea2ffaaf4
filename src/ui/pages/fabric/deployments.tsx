import { Title } from '@mantine/core'
import type { TabProps } from './tab-props.ts'

export default function Deployments({ fabric }: TabProps) {
  return <Title order={2}>Deployments of {fabric.name}</Title>
}
