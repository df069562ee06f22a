/** Made for the tests, and used nowhere else. */
export const TEST_SECRET = "a-secret-of-the-tests-0123456789-ABCDEFGHIJKLMN";
