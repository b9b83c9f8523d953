package dev.flywheel.engine.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.engine.jinja.TemplateException.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TemplateTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final ZonedDateTime NOW = ZonedDateTime.parse("2026-03-07T09:05:04.000120Z");
    private static final Limits SMALL = new Limits(100_000, 1_000_000, 600);

    private static JsonNode golden() {
        try (InputStream in = TemplateTest.class.getResourceAsStream("cases.json")) {
            return JSON.readTree(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Stream<Arguments> cases() {
        JsonNode golden = golden();
        Map<String, Object> variables =
                JSON.convertValue(golden.get("variables"),
                        new TypeReference<Map<String, Object>>() {});
        return StreamSupport.stream(golden.get("cases").spliterator(), false)
                .map(row -> Arguments.of(row.get("template").asText(), row, variables));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void rendersWhatTransformersRenders(String template, JsonNode row,
            Map<String, Object> variables) {
        if (row.has("text")) {
            assertThat(render(template, variables)).isEqualTo(row.get("text").asText());
            return;
        }
        TemplateException refusal = refusal(template, variables);
        if (!row.path("syntax").asBoolean()) {
            assertThat(refusal.reason()).isEqualTo(row.get("error").asText());
            assertThat(refusal.kind())
                    .isEqualTo(row.path("raised").asBoolean() ? Kind.RAISED : Kind.FAILED);
        } else {
            assertThat(refusal.kind()).isEqualTo(Kind.SYNTAX);
        }
    }

    private static String render(String template, Map<String, ?> variables) {
        return Template.parse(template).render(variables, () -> NOW, SMALL);
    }

    private static TemplateException refusal(String template, Map<String, ?> variables) {
        try {
            String text = render(template, variables);
            throw new AssertionError("rendered " + text);
        } catch (TemplateException e) {
            return e;
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "{% include 'x' %}", "{% extends 'x' %}", "{% import 'x' as y %}",
        "{% block b %}{% endblock %}",
        "{% autoescape true %}{% endautoescape %}", "{{ x | escape }}", "{{ x | urlencode }}",
        "{{ x | pprint }}",
        "{{ x is escaped }}", "{{ cycler(1) }}", "{{ 0x10 }}", "{{ 'a'.encode() }}",
        "{{ '{:>5}'.format(1) }}",
        "{{ ('a' | safe) * 2 }}", "{{ strftime_now('%Z') }}", "{{ 2 ** 70 }}",
        "{{ '\\N{DASH}' }}"})
    void refusesByNameWhatItDoesNotKnow(String template) {
        TemplateException refusal = refusal(template, Map.of());
        assertThat(refusal.kind()).isEqualTo(Kind.UNSUPPORTED);
        assertThat(refusal.getMessage()).contains("is not supported in chat templates")
                .contains("line 1");
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "{{ 'x' * 2000000 }}",
        "{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}",
        "{% set ns = namespace(s='ab') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "{{ 'a'.center(2000000) }}",
        "{{ 'a'.rjust(9000000000) }}",
        "{{ 'a' | indent(9000000000) }}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
        "{{ [1] * 2000000 }}", "{{ (['a'] * 90000) | join('bbbbbbbbbbbbbb') }}",
        "{{ ('a' * 900000).replace('', 'bcd') }}",
        "{{ (('a' * 100 + '\\n') * 90) | indent(99999) }}"})
    void stopsBeforeItTakesTooMuch(String template) {
        assertThat(refusal(template, Map.of()).kind()).isEqualTo(Kind.LIMIT);
    }

    @Test
    void deepNestingIsRefusedNotAStackOverflow() {
        assertThat(
                refusal("{{ " + "(".repeat(5000) + "1" + ")".repeat(5000) + " }}", Map.of()).kind())
                .isEqualTo(Kind.LIMIT);
        assertThat(refusal("{{ " + "not ".repeat(5000) + "1 }}", Map.of()).kind())
                .isEqualTo(Kind.LIMIT);
        assertThat(refusal("{{ 1" + " + 1".repeat(5000) + " }}", Map.of()).kind())
                .isEqualTo(Kind.LIMIT);
        assertThat(refusal("{% if 1 %}".repeat(5000) + "{% endif %}".repeat(5000), Map.of()).kind())
                .isEqualTo(Kind.LIMIT);
        Object deep = List.of();
        for (int i = 0; i < 5000; i++) {
            deep = List.of(deep);
        }
        assertThat(refusal("x", Map.of("deep", deep)).kind()).isEqualTo(Kind.LIMIT);
    }

    @Test
    void timeIsTheOneGiven() {
        assertThat(render(
                "{{ strftime_now('%d %b %Y|%B %A %a|%H:%M:%S|%y-%m-%-d %j %I%p %e %f %F %T %%') }}",
                Map.of()))
                .isEqualTo(
                        "07 Mar 2026|March Saturday Sat|09:05:04|26-03-7 066 09AM  7 000120 2026-03-07 09:05:04 %");
    }

    @Test
    void namesTheLineOfAFailure() {
        assertThatThrownBy(() -> render("a\nb\n{{ x.y.z }}", Map.of("x", Map.of())))
                .hasMessage("'dict object' has no attribute 'y' (line 3 of the template)");
        assertThatThrownBy(() -> Template.parse("\n\n{% if %}{% endif %}"))
                .hasMessageContaining("line 3");
    }

    @Test
    void valuesGivenAreNotChanged() {
        List<Object> list = new ArrayList<>(List.of(3, 1, 2));
        Map<String, Object> variables = new HashMap<>(Map.of("l", list));
        assertThat(render("{{ l | sort }}{% set l = 5 %}{{ l }}", variables))
                .isEqualTo("[1, 2, 3]5");
        assertThat(list).containsExactly(3, 1, 2);
        assertThat(variables).containsOnlyKeys("l");
    }

    @Test
    void oneTemplateRendersManyTimes() {
        Template template =
                Template.parse("{% set ns = namespace(n=0) %}{% set ns.n = ns.n + x %}{{ ns.n }}");
        assertThat(template.render(Map.of("x", 1), () -> NOW, SMALL)).isEqualTo("1");
        assertThat(template.render(Map.of("x", 2), () -> NOW, SMALL)).isEqualTo("2");
    }

    @Test
    void hidesEveryMemberOfJavaObjects() {
        assertThat(render(
                "{{ 'a'.getClass is defined }}{{ 'a'.class is defined }}{{ [].__class__ is defined }}",
                Map.of()))
                .isEqualTo("FalseFalseFalse");
        assertThatThrownBy(() -> render("{{ x }}", Map.of("x", new Object())))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
