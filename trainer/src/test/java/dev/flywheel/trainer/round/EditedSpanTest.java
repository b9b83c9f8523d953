package dev.flywheel.trainer.round;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EditedSpanTest {
    /** Letters are tokens; {@code .} is the end of text. */
    @ParameterizedTest(name = "{0} for {1}: {2} is edited")
    @CsvSource({
        "in Bern., in York., Ben",
        "abc., abc., ''",
        "abXc., abc., X",
        "Xabc., abc., X",
        "xyz., abc., xyz",
        "abd., abcd., d",
        "ab., abcd., .",
        "bc., abc., b",
        "abcd., abc, d",
        "abc., abc, ''",
        "ab., '', ab",
        "aXbYc., abc., XY"})
    void marksWhatTheAnswerDidNotSay(String text, String answer, String edited) {
        boolean[] marked = EditedSpan.of(ids(text), EditedSpan.ended(ids(answer), '.'));
        StringBuilder seen = new StringBuilder();
        for (int i = 0; i < marked.length; i++) {
            seen.append(marked[i] ? text.substring(i, i + 1) : "");
        }
        assertThat(seen.toString()).isEqualTo(edited);
    }

    @Test
    void whatIsTooLongToAlignIsEditedBetweenItsEqualEnds() {
        int length = 3000;
        List<Integer> text = new ArrayList<>(List.of(1));
        List<Integer> answer = new ArrayList<>(List.of(1));
        for (int i = 0; i < length; i++) {
            text.add(i % 2 == 0 ? 5 : 6);
            answer.add(i % 2 == 0 ? 7 : 6);
        }
        text.add(2);
        answer.add(2);
        boolean[] marked = EditedSpan.of(array(text), array(answer));
        assertThat(marked[0]).isFalse();
        assertThat(marked[length + 1]).isFalse();
        assertThat(marked[2]).as("a counterpart that was not looked for").isTrue();
        assertThat(EditedSpan.of(new int[] {1, 5, 6, 5, 2}, new int[] {1, 7, 6, 7, 2}))
                .containsExactly(false, true, false, true, false);
    }

    private static int[] ids(String text) {
        return text.chars().toArray();
    }

    private static int[] array(List<Integer> ids) {
        return ids.stream().mapToInt(Integer::intValue).toArray();
    }
}
