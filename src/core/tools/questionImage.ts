import * as z from 'zod';
import type { ToolState } from '../run/request.ts';
import type { QuestionImage } from '../task/question.ts';

const Image = z.object({ caption: z.string(), ocr: z.array(z.string()), file: z.string().optional() });

/** The image of the question that is worked on, which the planning loop puts into the state of every call. */
export function questionImage(state: ToolState): z.infer<typeof Image> | undefined {
  return Image.safeParse(state['image']).data;
}

/** Caption and words of an image, as agents read them; empty where neither is known. */
export function imageInWords({ caption, ocr }: Pick<QuestionImage, 'caption' | 'ocr'>): string {
  const words = ocr.filter((word) => word !== '').join('; ');
  return [caption, words === '' ? '' : `Text in the image: ${words}`].filter((part) => part !== '').join('\n');
}
