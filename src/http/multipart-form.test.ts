import { expect, test } from 'vitest';
import { encodeForm } from './multipart-form.ts';

test('a form that holds the boundary gets another, and names cannot break out of their head', async () => {
  const { body, contentType } = encodeForm([
    { name: 'a"\r\nx: y', text: 'alwrity-gateway-form-0' },
    {
      name: 'file',
      bytes: Buffer.from([0, 13, 10, 255]),
      fileName: 'a.png',
      mediaType: 'image/png',
    },
  ]);
  const form = await new Response(new Uint8Array(body), {
    headers: { 'content-type': contentType },
  }).formData();
  expect([...form.keys()]).toEqual(['a"\r\nx: y', 'file']);
  expect(form.get('a"\r\nx: y')).toBe('alwrity-gateway-form-0');
  const file = form.get('file') as File;
  expect([file.name, file.type]).toEqual(['a.png', 'image/png']);
  expect([...new Uint8Array(await file.arrayBuffer())]).toEqual([0, 13, 10, 255]);
});
