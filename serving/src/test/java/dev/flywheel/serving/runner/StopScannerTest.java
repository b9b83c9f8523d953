package dev.flywheel.serving.runner;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class StopScannerTest {

    @Test
    void textThatMayBeginAStopStringIsHeldBackUntilItIsDecided() {
        StopScanner scanner = new StopScanner(List.of("END", "\n\n"));
        assertThat(scanner.push("one E")).isEqualTo("one ");
        assertThat(scanner.push("N")).isEmpty();
        assertThat(scanner.push("ough")).isEqualTo("ENough");
        assertThat(scanner.push("\n")).isEmpty();
        assertThat(scanner.push("\nrest")).isEmpty();
        assertThat(scanner.stopped()).isTrue();
        assertThat(scanner.push("more")).isEmpty();
        assertThat(scanner.finish()).isEmpty();
    }

    @Test
    void theFirstStopStringInTheTextWins() {
        StopScanner scanner = new StopScanner(List.of("later", "now"));
        assertThat(scanner.push("it is now or later")).isEqualTo("it is ");
    }

    @Test
    void overlappingBeginningsAreFound() {
        StopScanner scanner = new StopScanner(List.of("aab"));
        assertThat(scanner.push("aaa")).isEqualTo("a");
        assertThat(scanner.push("b")).isEmpty();
        assertThat(scanner.stopped()).isTrue();
    }

    @Test
    void whatIsHeldAtTheEndBelongsToTheAnswer() {
        StopScanner scanner = new StopScanner(List.of("END"));
        assertThat(scanner.push("the EN")).isEqualTo("the ");
        assertThat(scanner.finish()).isEqualTo("EN");
    }
}
