export async function firstSignInLink(_url: string, _credential: string): Promise<string | null> {
  return null;
}
