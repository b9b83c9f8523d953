package dev.flywheel.trainer.pretrain;

/**
 * GPT-2's letter for each byte: printable Latin-1 characters stand for themselves, the others for
 * the characters from U+0100 on, so that every token can be written in JSON.
 */
final class ByteAlphabet {
    private static final String[] LETTERS = letters();

    private ByteAlphabet() {}

    static String letter(int byteValue) {
        return LETTERS[byteValue];
    }

    private static String[] letters() {
        String[] letters = new String[256];
        int next = 256;
        for (int b = 0; b < letters.length; b++) {
            boolean printable =
                    (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
            letters[b] = String.valueOf((char) (printable ? b : next++));
        }
        return letters;
    }
}
