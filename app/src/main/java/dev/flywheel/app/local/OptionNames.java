package dev.flywheel.app.local;

/**
 * What a user of the command gives to change where the process works, named in the remedy of a failed start. Not every
 * command has the same options.
 *
 * @param dataFolder gives another data folder, such as {@code --data}
 * @param serverPort gives another port to clients, such as {@code server.port}
 */
public record OptionNames(String dataFolder, String serverPort) {
    /** Of a command that keeps its state. */
    public static final OptionNames KEPT = new OptionNames("--data", "--port or server.port");

    /** Of a command whose state is in a temporary folder. */
    public static final OptionNames TEMPORARY =
            new OptionNames(
                    "FLYWHEEL_JAVA_OPTS=-Djava.io.tmpdir=DIR",
                    "server.port in the file given with --config");
}
