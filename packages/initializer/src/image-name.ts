/** The name of an image without digest and tag; a port of the registry stays: `r:5000/a/b:v1@sha256:…` is `r:5000/a/b`. */
export function imageName(image: string): string {
  const [undigested = ''] = image.split('@')
  const tag = undigested.indexOf(':', undigested.lastIndexOf('/') + 1)
  return tag === -1 ? undigested : undigested.slice(0, tag)
}
