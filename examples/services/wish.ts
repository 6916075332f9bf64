/** What is ordered. Each service checks it again: none relies on the checks of the one before. */
import { Answer } from './answer.ts'

export interface Wish {
  item: string
  amount: number
}

export async function wishOf(request: Request): Promise<Wish> {
  const { item, amount } = (await request.json().catch(() => ({}))) as Record<string, unknown>
  if (
    typeof item === 'string' &&
    typeof amount === 'number' &&
    Number.isSafeInteger(amount) &&
    amount > 0 &&
    amount <= 1_000
  )
    return { item, amount }
  throw new Answer(400, 'invalid_request')
}
