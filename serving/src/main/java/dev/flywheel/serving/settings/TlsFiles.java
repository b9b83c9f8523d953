package dev.flywheel.serving.settings;

import java.nio.file.Path;
import java.util.Optional;

/**
 * What a server proves itself with, in PEM files.
 *
 * @param certificate the server's certificate and those between it and its authority
 * @param key its private key, in PKCS #8
 * @param clientAuthorities who signs the certificates of clients; without it clients are not asked for one
 */
public record TlsFiles(Path certificate, Path key, Optional<Path> clientAuthorities) {}
