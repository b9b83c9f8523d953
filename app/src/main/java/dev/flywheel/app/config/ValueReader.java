package dev.flywheel.app.config;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.deser.std.StdDeserializer;
import com.fasterxml.jackson.databind.module.SimpleModule;
import java.io.IOException;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads a value of one kind and takes no other for it: a number is no text, a 2 is no true.
 *
 * <p>What YAML would turn into the wanted kind in silence is most often a slip of the hand.
 */
final class ValueReader<T> extends StdDeserializer<T> {
    private static final long serialVersionUID = 1L;

    private final String allowed;
    private final Set<JsonToken> tokens;
    private final transient Reading<T> reading;

    /** Turns a token of the right kind into its value; null if it is none. */
    private interface Reading<T> {
        @Nullable
        T read(JsonParser parser) throws IOException;
    }

    /** A value of the wrong kind; its message goes on after the name of the setting. */
    static final class WrongKindException extends JsonMappingException {
        private static final long serialVersionUID = 1L;

        WrongKindException(JsonParser parser, String message) {
            super(parser, message);
        }
    }

    private ValueReader(Class<T> type, String allowed, Set<JsonToken> tokens, Reading<T> reading) {
        super(type);
        this.allowed = allowed;
        this.tokens = tokens;
        this.reading = reading;
    }

    /** Readers of all kinds that a setting may have. */
    static SimpleModule module() {
        Set<JsonToken> text = EnumSet.of(JsonToken.VALUE_STRING);
        Set<JsonToken> whole = EnumSet.of(JsonToken.VALUE_NUMBER_INT);
        Set<JsonToken> number =
                EnumSet.of(JsonToken.VALUE_NUMBER_INT, JsonToken.VALUE_NUMBER_FLOAT);
        Set<JsonToken> truth = EnumSet.of(JsonToken.VALUE_TRUE, JsonToken.VALUE_FALSE);
        return new SimpleModule()
                .addDeserializer(
                        String.class,
                        new ValueReader<>(
                                String.class, "text, in quotes if it looks like something else",
                                text, JsonParser::getText))
                .addDeserializer(
                        int.class,
                        new ValueReader<>(
                                int.class, "a whole number of at most " + Integer.MAX_VALUE, whole,
                                ValueReader::whole))
                .addDeserializer(
                        double.class,
                        new ValueReader<>(
                                double.class, "a number", number, JsonParser::getDoubleValue))
                .addDeserializer(
                        boolean.class,
                        new ValueReader<>(
                                boolean.class, "true or false", truth, JsonParser::getBooleanValue))
                .addDeserializer(
                        Duration.class,
                        new ValueReader<>(
                                Duration.class, "a number with a unit out of "
                                        + DurationText.UNITS + ", e.g. 250ms",
                                text, parser -> DurationText.read(parser.getText())));
    }

    private static @Nullable Integer whole(JsonParser parser) throws IOException {
        long value = parser.getBigIntegerValue().bitLength() < Long.SIZE ? parser.getLongValue()
                : Long.MAX_VALUE;
        return value == (int) value ? (Integer) (int) value : null;
    }

    @Override
    public T deserialize(JsonParser parser, DeserializationContext context) throws IOException {
        T value = tokens.contains(parser.currentToken()) ? reading.read(parser) : null;
        if (value == null) {
            throw new WrongKindException(
                    parser, "is %s, it must be %s".formatted(came(parser), allowed));
        }
        return value;
    }

    private static String came(JsonParser parser) throws IOException {
        switch (parser.currentToken()) {
            case START_OBJECT :
                return "a group of keys";
            case START_ARRAY :
                return "a list";
            case VALUE_STRING :
                return "the text \"" + parser.getText() + "\"";
            default :
                return parser.getText().toLowerCase(Locale.ROOT);
        }
    }
}
