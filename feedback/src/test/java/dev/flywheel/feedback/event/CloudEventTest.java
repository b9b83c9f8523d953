package dev.flywheel.feedback.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CloudEventTest {
    private static final CloudEvent EVENT = new CloudEvent("f-1", "shop", EventType.FEEDBACK,
            Instant.ofEpochMilli(1_767_225_600_123L));

    @Test
    void headersAreThoseOfTheBinaryMode() {
        assertThat(EVENT.headers()).containsExactly(
                Map.entry("ce_id", "f-1"),
                Map.entry("ce_source", "shop"),
                Map.entry("ce_type", "dev.flywheel.feedback.v1"),
                Map.entry("ce_specversion", "1.0"),
                Map.entry("ce_time", "2026-01-01T00:00:00.123Z"),
                Map.entry("content-type", "application/protobuf"));
    }

    @Test
    void whatWasWrittenIsRead() {
        assertThat(CloudEvent.of(EVENT.headers())).isEqualTo(EVENT);
    }

    @Test
    void everyRequiredHeaderIsNamedWhenItIsMissing() {
        for (String name : EVENT.headers().keySet()) {
            if (name.equals("content-type")) {
                continue;
            }
            Map<String, String> headers = new LinkedHashMap<>(EVENT.headers());
            headers.remove(name);
            assertThatThrownBy(() -> CloudEvent.of(headers))
                    .hasMessage("header " + name + " is missing");
        }
    }

    @Test
    void unknownTypesVersionsAndTimesAreRefusedByName() {
        assertThatThrownBy(() -> CloudEvent.of(with("ce_type", "x")))
                .hasMessageContaining("ce_type");
        assertThatThrownBy(() -> CloudEvent.of(with("ce_specversion", "0.3")))
                .hasMessageContaining("0.3");
        assertThatThrownBy(() -> CloudEvent.of(with("ce_time", "noon")))
                .hasMessageContaining("noon");
    }

    private static Map<String, String> with(String name, String value) {
        Map<String, String> headers = new LinkedHashMap<>(EVENT.headers());
        headers.put(name, value);
        return headers;
    }
}
