package dev.flywheel.serving.http;

import static dev.flywheel.serving.http.HttpClientOf.events;
import static dev.flywheel.serving.http.HttpClientOf.json;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.api.v1.GenerateReply;
import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.serving.harness.Node;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(120)
class OpenAiTest {
    private static final String COMPLETIONS = "/v1/completions";
    private static final String CHATS = "/v1/chat/completions";
    private static final String HELLO = "\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]";

    @TempDir private Path folder;
    private Node node;
    private HttpClientOf client;

    @BeforeEach
    void start() throws Exception {
        node = new Node(folder).ready();
        client = HttpClientOf.port(node.serving.httpPort());
    }

    @AfterEach
    void stop() throws Exception {
        Node.until("all blocks are free and no lease is open",
                () -> node.serving.freeBlocks() == Node.DEVICE.kvBlocks()
                        && node.serving.leases() == 0);
        node.close();
    }

    private static String prompt(String model, String more) {
        return "{\"model\":\"%s\",\"prompt\":\"hello\",\"temperature\":0%s}".formatted(model, more);
    }

    /** Bytes at random: characters in parts, and what is none. */
    private static String drawn(String more) {
        return prompt("base", ",\"max_tokens\":100,\"seed\":7" + more)
                .replace("\"temperature\":0", "\"temperature\":20");
    }

    private List<GenerateReply> overGrpc(RequestScope scope, int tokens) {
        List<GenerateReply> replies = new ArrayList<>();
        node.inference()
                .generate(GenerateRequest.newBuilder()
                        .setScope(scope)
                        .setPrompt("hello")
                        .setMaxTokens(tokens)
                        .build())
                .forEachRemaining(replies::add);
        return replies;
    }

    private static String text(List<GenerateReply> replies) {
        StringBuilder text = new StringBuilder();
        replies.forEach(reply -> text.append(reply.getText()));
        return text.toString();
    }

    @Test
    void aCompletionIsWhatGrpcAnswers() throws Exception {
        HttpResponse<String> answer =
                client.post(COMPLETIONS, prompt("base", ",\"max_tokens\":24"));
        assertThat(answer.statusCode()).isEqualTo(200);
        JsonNode json = json(answer);
        List<GenerateReply> replies = overGrpc(RequestScope.getDefaultInstance(), 24);
        GenerateReply last = replies.getLast();
        assertThat(json.at("/choices/0/text").textValue()).isEqualTo(text(replies));
        assertThat(json.at("/choices/0/finish_reason").textValue()).isEqualTo("length");
        assertThat(json.at("/usage/prompt_tokens").intValue())
                .isEqualTo(last.getUsage().getPromptTokens());
        assertThat(json.at("/usage/completion_tokens").intValue()).isEqualTo(24);
        assertThat(json.at("/flywheel/base_digest").textValue())
                .isEqualTo(last.getVersion().getBaseDigest());
        assertThat(answer.headers().firstValue("flywheel-impression-id"))
                .contains(json.at("/flywheel/impression_id").textValue());
        assertThat(node.impressions).hasSize(2);
        assertThat(node.impressions.getFirst().getImpressionId())
                .isEqualTo(json.at("/flywheel/impression_id").textValue());
    }

    @Test
    void aStreamIsTheWholeAnswerInPieces() throws Exception {
        JsonNode plain = json(client.post(COMPLETIONS, drawn("")));
        HttpResponse<String> streamed = client.post(COMPLETIONS, drawn(
                ",\"stream\":true,\"stream_options\":{\"include_usage\":true}"));
        List<String> events = events(streamed);
        assertThat(streamed.headers().firstValue("content-type").orElse(""))
                .startsWith("text/event-stream");
        assertThat(events.getLast()).isEqualTo("[DONE]");
        assertThat(json(events.get(events.size() - 2)).get("usage")).isEqualTo(plain.get("usage"));
        StringBuilder text = new StringBuilder();
        events.subList(0, events.size() - 2)
                .forEach(event -> text.append(json(event).at("/choices/0/text").textValue()));
        assertThat(text.toString()).isEqualTo(plain.at("/choices/0/text").textValue())
                .contains("\uFFFD");
        assertThat(json(events.get(events.size() - 3)).at("/flywheel/impression_id").textValue())
                .isEqualTo(node.impressions.getLast().getImpressionId());
    }

    @Test
    void aChatIsReadByTheModelsTemplateAndItsTextsAreNoControlTokens() throws Exception {
        String question = "{\"model\":\"base\",%s,\"temperature\":0,\"max_tokens\":8}";
        JsonNode plain = json(client.post(CHATS, question.formatted(HELLO)));
        assertThat(plain.at("/choices/0/message/role").textValue()).isEqualTo("assistant");
        // 5 for "user:", 5 for "hello", 1 control token, 10 for "assistant:".
        assertThat(plain.at("/usage/prompt_tokens").intValue()).isEqualTo(21);
        JsonNode spelled = json(client.post(CHATS,
                question.formatted(HELLO.replace("hello", "hello<|end|>"))));
        assertThat(spelled.at("/usage/prompt_tokens").intValue()).isEqualTo(28);
        List<String> events = events(client.post(CHATS, question.formatted(HELLO)
                .replace("\"max_tokens\"", "\"stream\":true,\"max_completion_tokens\"")));
        StringBuilder text = new StringBuilder();
        events.subList(0, events.size() - 1)
                .forEach(
                        event -> text.append(json(event).at("/choices/0/delta/content").asText()));
        assertThat(text.toString())
                .isEqualTo(plain.at("/choices/0/message/content").textValue());
        assertThat(json(events.getFirst()).at("/choices/0/delta/role").textValue())
                .isEqualTo("assistant");
    }

    @Test
    void anAdapterIsChosenByNameAliasOrNumber() throws Exception {
        node.publisher.create("news/main", "default");
        long number = node.publish("news/main", node.publisher.weights(11));
        Node.until("the adapter is served", () -> {
            try {
                return client.post(COMPLETIONS, prompt("news/main", "")).statusCode() == 200;
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
        String grpc = text(overGrpc(RequestScope.newBuilder().setAdapter("news/main").build(), 64));
        for (String model : List.of("news/main", "news/main@serving", "news/main@" + number)) {
            HttpResponse<String> answer = client.post(COMPLETIONS, prompt(model, ""));
            assertThat(json(answer).at("/choices/0/text").textValue()).isEqualTo(grpc);
            assertThat(json(answer).get("model").textValue()).isEqualTo(model);
            assertThat(answer.headers().firstValue("flywheel-version"))
                    .contains("news/main@" + number);
            assertThat(answer.headers().firstValue("flywheel-digest").orElse("")).hasSize(64);
        }
        JsonNode models = json(client.get("/v1/models"));
        assertThat(models.at("/data/0/id").textValue()).isEqualTo("base");
        assertThat(models.at("/data/1/id").textValue()).isEqualTo("news/main");
        assertThat(models.at("/data/1/parent").textValue()).isEqualTo("base");
        assertThat(models.at("/data/1/flywheel/version").longValue()).isEqualTo(number);
        assertThat(models.at("/data/1/flywheel/digest").textValue()).hasSize(64);
        assertThat(json(client.get("/v1/models/news/main"))).isEqualTo(models.at("/data/1"));
        assertThat(client.get("/v1/models/news/other").statusCode()).isEqualTo(404);
        assertThat(client.post(COMPLETIONS, prompt("news/main@beta", "")).statusCode())
                .isEqualTo(404);
        HttpResponse<String> shop = client.send(client.request("/v1/models")
                .header("flywheel-tenant", "shop"));
        assertThat(shop.body()).doesNotContain("news");
    }

    @Test
    void probabilitiesAreThoseOfGrpc() throws Exception {
        JsonNode json = json(client.post(COMPLETIONS,
                prompt("base", ",\"max_tokens\":3,\"logprobs\":2"))).at("/choices/0/logprobs");
        List<Double> expected = new ArrayList<>();
        node.inference()
                .generate(GenerateRequest.newBuilder()
                        .setPrompt("hello")
                        .setMaxTokens(3)
                        .setLogProbs(true)
                        .build())
                .forEachRemaining(reply -> reply.getLogProbsList()
                        .forEach(token -> expected.add(token.getLogProb())));
        assertThat(json.get("token_logprobs").size()).isEqualTo(3);
        for (int i = 0; i < 3; i++) {
            assertThat(json.get("token_logprobs").get(i).doubleValue()).isEqualTo(expected.get(i));
        }
        JsonNode chat = json(client.post(CHATS, "{\"model\":\"base\"," + HELLO
                + ",\"max_tokens\":3,\"logprobs\":true,\"top_logprobs\":2}"));
        assertThat(chat.at("/choices/0/logprobs/content").size()).isEqualTo(3);
        assertThat(chat.at("/choices/0/logprobs/content/0/top_logprobs").size()).isEqualTo(2);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\'', textBlock = """
            "prompt":"a","n":2                       | n                 | allowed is 1
            "prompt":"a","best_off":1                | best_off          | not supported
            "prompt":"a","temperature":"hot"         | temperature       | allowed is a number
            "prompt":"a","temperature":-1            | temperature       | allowed is 0 to 100
            "prompt":"a","top_p":3                   | top_p             | allowed is 0 to 1
            "prompt":"a","max_tokens":0              | max_tokens        | at least 1
            "prompt":"a","max_tokens":1000000        | max_tokens        | at most
            "prompt":"a","echo":true                 | echo              | false
            "prompt":"a","stop":[1]                  | stop              | a text
            "prompt":"a","stop":[""]                 | stop[0]           | 1 to 64
            "prompt":"a","logprobs":21               | logprobs          | at most 20
            "prompt":"a","stream_options":{}         | stream_options    | needs stream
            "prompt":"a","consent":"maybe"           | consent           | train
            "prompt":["a","b"]                       | prompt            | one text
            "max_tokens":1                           | prompt            | is empty
            """)
    void aFieldThatCannotBeIsNamed(String fields, String param, String words) throws Exception {
        HttpResponse<String> refused =
                client.post(COMPLETIONS, "{\"model\":\"base\"," + fields + "}");
        assertThat(refused.statusCode()).isEqualTo(400);
        JsonNode error = json(refused).get("error");
        assertThat(error.get("param").textValue()).isEqualTo(param);
        assertThat(error.get("message").textValue()).contains(words);
        assertThat(error.get("type").textValue()).isEqualTo("invalid_request_error");
        assertThat(error.get("code").textValue()).isNotBlank();
    }

    @Test
    void whatChangesNothingIsTakenAndNullIsAbsent() throws Exception {
        HttpResponse<String> answer = client.post(COMPLETIONS, prompt("base",
                ",\"metadata\":{\"a\":\"b\"},\"store\":false,\"n\":1,\"suffix\":null,\"best\":null"));
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    }

    @Test
    void otherRefusalsHaveTheirStatus() throws Exception {
        assertThat(client.post(COMPLETIONS, "{\"model\":").statusCode()).isEqualTo(400);
        assertThat(client.post(COMPLETIONS, "{\"prompt\":\"a\"}").body()).contains("model");
        assertThat(client.post(COMPLETIONS, prompt("none", "")).statusCode()).isEqualTo(404);
        assertThat(json(client.post(COMPLETIONS, prompt("none", ""))).at("/error/code").textValue())
                .isEqualTo("model_not_found");
        assertThat(client.get("/v1/nothing").statusCode()).isEqualTo(404);
        assertThat(client.get(COMPLETIONS).statusCode()).isEqualTo(405);
        HttpResponse<String> tooLong = client.post(COMPLETIONS,
                "{\"model\":\"base\",\"prompt\":\"" + "a".repeat(600) + "\"}");
        assertThat(tooLong.statusCode()).isEqualTo(400);
        assertThat(json(tooLong).at("/error/code").textValue())
                .isEqualTo("context_length_exceeded");
        assertThat(client.post(CHATS, "{\"model\":\"base\",\"messages\":[]}").statusCode())
                .isEqualTo(400);
        node.recordingBroken.set(true);
        HttpResponse<String> fault = client.post(COMPLETIONS, prompt("base", ""));
        assertThat(fault.statusCode()).isEqualTo(500);
        assertThat(fault.body()).doesNotContain("what the user wrote");
    }
}
