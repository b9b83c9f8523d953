package dev.flywheel.adapters.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonProblemTest {
    private static final ObjectMapper JSON =
            new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    @ParameterizedTest
    @ValueSource(strings = {"{\"a\": [1,2", "{\"a\": }", "{\"a\": 1", "{} {}", "{\"a\": \"\n\"}"})
    void aProblemIsOneLineWithItsPlaceAndWithoutWordsOfTheParserAboutItself(String text) {
        assertThat(JsonProblem.located(problem(text)))
                .contains("line 1, column")
                .doesNotContain("\n", "Source", "REDACTED", "Feature", "fasterxml");
    }

    @Test
    void theBeginningOfWhatIsNotClosedIsNamedToo() {
        assertThat(JsonProblem.located(problem("{\"a\":\n [1,2")))
                .contains("start marker at line 2, column 2")
                .endsWith("(line 2, column 6)");
    }

    @Test
    void whatFollowsTheEndIsSaidInWordsOfTheFile() {
        assertThat(JsonProblem.text(problem("{} {}")))
                .isEqualTo("more text follows after its end");
    }

    @Test
    void theTextThatAParserShowsBelowItsMessageIsLeftOut() {
        var shown = new JsonParseException(null,
                "while parsing\n in 'reader', line 1, column 4:\n    a: [\n"
                        + "expected ','\n in 'reader', line 2, column 1:\n    ^\n");

        assertThat(JsonProblem.located(shown))
                .isEqualTo("while parsing: expected ',' (line 2, column 1)");
    }

    @Test
    void aTokenOfAnyLengthIsQuotedInPart() {
        assertThat(JsonProblem.located(problem("{\"a\": " + "x".repeat(50_000) + "}")))
                .startsWith("Unrecognized token 'xxx")
                .hasSizeLessThan(700);
    }

    private static JsonProcessingException problem(String text) {
        return catchThrowableOfType(
                JsonProcessingException.class,
                () -> JSON.readTree(text.getBytes(StandardCharsets.UTF_8)));
    }
}
