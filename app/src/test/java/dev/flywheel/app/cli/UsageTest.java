package dev.flywheel.app.cli;

import static dev.flywheel.app.cli.CommandRun.fails;
import static dev.flywheel.app.cli.CommandRun.isMisuse;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever is wrong with a command line is exit code 2 and a line that names the option. */
class UsageTest {
    @TempDir Path temp;

    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '"', value = {
        "model generate --ids 1 --max-tokens 0; --max-tokens is 0, it must be at least 1",
        "model generate --ids 1 --temperature -1; --temperature is -1.0, it must be",
        "model generate --ids 1 --temperature NaN; --temperature is NaN, it must be",
        "model generate --ids 1 --top-p 3; --top-p is 3.0, it must be above 0 and at most 1",
        "model generate --ids 1 --top-p NaN; --top-p is NaN",
        "model generate --ids 1 --top-k -2; --top-k is -2, it must be at least 0",
        "model generate --ids 1 --threads 0; --threads is 0, it must be at least 1",
        "model info --backend cuda; --backend is 'cuda', it must be cpu or reference",
        "adapter verify x --backend cuda; --backend is 'cuda', it must be cpu or reference",
        "oracle x --backend cuda; --backend is 'cuda', it must be cpu or reference",
        "bench quantization --backend cuda; --backend is 'cuda', it must be cpu or reference",
        "model logits --ids 1 --top -1; --top is -1, it must be at least 0",
        "model logits --ids 1,,2; --ids is '1,,2', in which '' is no token id",
        "model logits --ids 1,x; 'x' is no token id",
        "model logits --ids ,1; '' is no token id",
        "model score --ids 1 --continuation-ids 2,; --continuation-ids is '2,'",
        "model generate; nothing to read; give --prompt, --ids, --chat or --input",
        "model tokenize; nothing to read",
        "fuzz --mutations 0; --mutations is 0, it must be at least 1",
        "fuzz --only -3; --only is -3, it must be at least 0",
        "fuzz --kind nosuch; --kind is 'nosuch', it must be one of safetensors, config, adapter",
        "adapter export a/b --out o; give either --node HOST:PORT or --data DIR",
        "excise --adapter a/b --version-of-round 1; give either --node HOST:PORT or --data DIR",
        "excise --adapter A --version-of-round 1 --data d; --adapter: adapter name is 'A'",
        "rollback --adapter a/b --to 1; give either --node HOST:PORT or --data DIR",
        "rollback --adapter a/b --to -1 --data d; --to is -1, it must be at least 0",
        "adapter export a/b --out o --node localhost:1 --data d; give either --node",
        "adapter export ../x --out o --data d; NAME: adapter name is '../x'",
        "dlq show x; 'x' is no position",
        "dlq replay 0-17; '0-17' is no position",
        "adapter import d --name A --data d; --name: adapter name is 'A'"
    })
    void aValueOutOfRangeIsAMisuse(String line, String expected) {
        isMisuse(expected, (Object[]) line.split(" "));
    }

    @Test
    void noIdsAreAMisuse() {
        isMisuse("--ids is '', in which '' is no token id", "model", "logits", "--ids", "");
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "localhost:99999", "localhost:0", "foo bar", "foo bar:80", "", ":80", "localhost",
        "http://localhost:80", "localhost:80/x", "user@localhost:80", "a:b:80", "[::1]"
    })
    void anAddressThatIsNoneIsAMisuse(String address) {
        isMisuse("--node is '" + address + "', it must be HOST:PORT", "adapter", "export", "a/b",
                "--out", temp.resolve("o"), "--node", address);
    }

    @Test
    void whatAnswersButIsNoNodeIsToldInWords() throws IOException {
        HttpServer server = HttpServer.create(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.start();
        try {
            fails("node", "adapter", "export", "a/b", "--out", temp.resolve("o"), "--node",
                    "localhost:" + server.getAddress().getPort());
            CommandRun run = CommandRun.of("adapter", "export", "a/b", "--out", temp.resolve("o"),
                    "--node", "localhost:" + server.getAddress().getPort());
            assertThat(run.err()).doesNotContain("http2", "HTTP/2", "exception", "SETTINGS");
        } finally {
            server.stop(0);
        }
        assertThat(temp.resolve("o")).doesNotExist();
    }

    @Test
    void aHostThatNobodyKnowsIsOneLine() {
        List<LogRecord> records = new ArrayList<>();
        Handler handler = new Handler() {
            @Override
            public void publish(LogRecord record) {
                records.add(record);
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        Logger root = Logger.getLogger("");
        root.addHandler(handler);
        try {
            fails("no node answers there", "adapter", "export", "a/b", "--out", temp.resolve("o"),
                    "--node", "no.such.host.invalid:7070");
        } finally {
            root.removeHandler(handler);
        }
        assertThat(records).noneMatch(
                record -> record.getLevel().intValue() >= Level.WARNING.intValue());
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {
        "[{\"text\":\"a\",\"ids\":[1]}]; entry 0 has ids beside text",
        "[{\"text\":\"a\"},{\"ids\":[1],\"adaptor\":null}]; entry 1 has a field 'adaptor'",
        "[{\"messages\":[],\"text\":\"a\"}]; entry 0 has text beside messages",
        "[{\"ids\":3}]; ids is 3, expected a list of token ids",
        "[{\"text\":3}]; text is 3, expected a text",
        "[{\"adapter\":null}]; has none of text, ids and messages"
    })
    void aFieldOfAPromptThatNobodyReadsIsNamed(String input, String expected) throws IOException {
        fails(expected, "model", "tokenize", "--model", ModelCommandTest.oracle(
                "models/llama-gqa-f32/model"), "--input",
                Files.writeString(temp.resolve("i.json"), input));
    }

    @Test
    void nothingInAMessageSteersTheTerminal() {
        CommandRun run = CommandRun.of("adapter", "inspect", "no\u0007such\u001b[31m\u009bfolder");
        assertThat(run.err()).contains("no?such?[31m?folder");
    }
}
