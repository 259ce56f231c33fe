import { ferries } from '@/lib/ferries';

export const dynamic = 'force-dynamic';

export async function GET() {
  return Response.json(ferries);
}
