package dev.flywheel.trainer.round;

import java.util.Arrays;

/**
 * Which tokens of a corrected text are the correction.
 *
 * <p>The text is aligned with the answer by a longest common subsequence (Wagner and Fischer, JACM 21, 1974). A
 * token is edited if it has no counterpart, or if something was struck out directly before it and
 * nothing stands in its place: there the model has to turn elsewhere than it did. The end-of-text token
 * is a token like others; an answer without one was cut off, and is taken to have ended where it stops.
 */
final class EditedSpan {
    /** Cells of the alignment's table; beyond it all that lies between the equal ends is edited. */
    static final int CELLS_MAX = 1 << 22;

    private static final int NONE = -1;

    private EditedSpan() {}

    /** Returns for each token of the text whether it is edited. */
    static boolean[] of(int[] text, int[] answer) {
        int[] counterpart = align(text, answer);
        boolean[] edited = new boolean[text.length];
        int last = NONE;
        for (int i = 0; i < text.length; i++) {
            boolean inserted = i > 0 && counterpart[i - 1] == NONE;
            edited[i] = counterpart[i] == NONE || !inserted && counterpart[i] > last + 1;
            last = Math.max(last, counterpart[i]);
        }
        return edited;
    }

    /** The answer with the text's last token behind it, should that be the end and be missing. */
    static int[] ended(int[] answer, int endId) {
        if (answer.length > 0 && answer[answer.length - 1] == endId) {
            return answer;
        }
        int[] ended = Arrays.copyOf(answer, answer.length + 1);
        ended[answer.length] = endId;
        return ended;
    }

    private static int[] align(int[] text, int[] answer) {
        int[] counterpart = new int[text.length];
        Arrays.fill(counterpart, NONE);
        int shorter = Math.min(text.length, answer.length);
        int head = 0;
        while (head < shorter && text[head] == answer[head]) {
            counterpart[head] = head;
            head++;
        }
        int tail = 0;
        while (tail < shorter - head
                && text[text.length - 1 - tail] == answer[answer.length - 1 - tail]) {
            counterpart[text.length - 1 - tail] = answer.length - 1 - tail;
            tail++;
        }
        int rows = text.length - head - tail;
        int columns = answer.length - head - tail;
        if ((rows + 1L) * (columns + 1L) <= CELLS_MAX) {
            alignBetween(text, answer, head, rows, columns, counterpart);
        }
        return counterpart;
    }

    private static void alignBetween(
            int[] text, int[] answer, int head, int rows, int columns, int[] counterpart) {
        int[][] longest = new int[rows + 1][columns + 1]; // of what follows
        for (int i = rows - 1; i >= 0; i--) {
            for (int j = columns - 1; j >= 0; j--) {
                longest[i][j] =
                        text[head + i] == answer[head + j]
                                ? longest[i + 1][j + 1] + 1
                                : Math.max(longest[i + 1][j], longest[i][j + 1]);
            }
        }
        int i = 0;
        int j = 0;
        while (i < rows && j < columns) {
            if (text[head + i] == answer[head + j]) {
                counterpart[head + i++] = head + j++;
            } else if (longest[i + 1][j] >= longest[i][j + 1]) {
                i++;
            } else {
                j++;
            }
        }
    }
}
