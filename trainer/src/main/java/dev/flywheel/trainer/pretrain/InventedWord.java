package dev.flywheel.trainer.pretrain;

import dev.flywheel.adapters.random.SeededRandom;

/** Words that can be spoken and mean nothing. */
final class InventedWord {
    private static final String ONSETS = "bcdfghjklmnprstvwz";
    private static final String VOWELS = "aeiouy";
    private static final String CODAS = "lmnrstckd";

    private InventedWord() {}

    static String draw(SeededRandom random) {
        StringBuilder word = new StringBuilder();
        int syllables = 1 + random.nextInt(3);
        for (int i = 0; i < syllables; i++) {
            word.append(letter(ONSETS, random)).append(letter(VOWELS, random));
            if (i == 0 && syllables == 1 || random.chance(0.4)) {
                word.append(letter(CODAS, random));
            }
        }
        return word.toString();
    }

    static String capitalized(SeededRandom random) {
        String word = draw(random);
        return Character.toUpperCase(word.charAt(0)) + word.substring(1);
    }

    private static char letter(String letters, SeededRandom random) {
        return letters.charAt(random.nextInt(letters.length()));
    }
}
