import { expect, test } from 'vitest'
import { imageName } from './image-name.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`

test.each([
  ['sia', 'sia'],
  ['sia:v1', 'sia'],
  ['local/sia:latest', 'local/sia'],
  ['registry:5000/local/sia', 'registry:5000/local/sia'],
  ['registry:5000/local/sia:v1', 'registry:5000/local/sia'],
  [`registry:5000/local/sia@${DIGEST}`, 'registry:5000/local/sia'],
  [`registry:5000/local/sia:v1@${DIGEST}`, 'registry:5000/local/sia'],
  ['[::1]:5000/sia:v1', '[::1]:5000/sia'],
  ['Registry:5000/Local/SIA:V1', 'Registry:5000/Local/SIA'],
  ['localhost/sia', 'localhost/sia'],
  [':v1', ''],
  ['', ''],
])('the name of an image without tag and digest, whatever the registry (W36): %s is %s', (image, name) => {
  expect(imageName(image)).toBe(name)
})
