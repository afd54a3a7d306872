package dev.qdistill;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The package table of docs/architecture.md. */
@AnalyzeClasses(packages = "dev.qdistill", importOptions = DoNotIncludeTests.class)
final class ArchitectureTest {
    @ArchTest
    static final ArchRule PACKAGES_USE_ONLY_WHAT_THE_TABLE_ALLOWS = layeredArchitecture()
            .consideringOnlyDependenciesInAnyPackage("dev.qdistill..")
            .layer("root")
            .definedBy("dev.qdistill")
            .layer("bits")
            .definedBy("dev.qdistill.bits")
            .layer("accel")
            .definedBy("dev.qdistill.accel")
            .layer("gf2")
            .definedBy("dev.qdistill.gf2")
            .layer("ldpc")
            .definedBy("dev.qdistill.ldpc")
            .layer("dump")
            .definedBy("dev.qdistill.dump")
            .layer("sift")
            .definedBy("dev.qdistill.sift")
            .layer("security")
            .definedBy("dev.qdistill.security")
            .layer("verify")
            .definedBy("dev.qdistill.verify")
            .layer("amplify")
            .definedBy("dev.qdistill.amplify")
            .layer("reconcile")
            .definedBy("dev.qdistill.reconcile")
            .layer("keystore")
            .definedBy("dev.qdistill.keystore")
            .layer("auth")
            .definedBy("dev.qdistill.auth")
            .layer("wire")
            .definedBy("dev.qdistill.wire..")
            .layer("link")
            .definedBy("dev.qdistill.link")
            .layer("simulate")
            .definedBy("dev.qdistill.simulate")
            .layer("report")
            .definedBy("dev.qdistill.report")
            .layer("agent")
            .definedBy("dev.qdistill.agent")
            .layer("cli")
            .definedBy("dev.qdistill.cli")
            .whereLayer("bits")
            .mayNotAccessAnyLayer()
            .whereLayer("accel")
            .mayNotAccessAnyLayer()
            .whereLayer("security")
            .mayNotAccessAnyLayer()
            .whereLayer("gf2")
            .mayOnlyAccessLayers("bits", "accel")
            .whereLayer("ldpc")
            .mayOnlyAccessLayers("bits", "accel")
            .whereLayer("dump")
            .mayOnlyAccessLayers("bits", "security")
            .whereLayer("sift")
            .mayOnlyAccessLayers("bits", "dump")
            .whereLayer("verify")
            .mayOnlyAccessLayers("bits", "gf2")
            .whereLayer("amplify")
            .mayOnlyAccessLayers("bits", "gf2", "accel")
            .whereLayer("reconcile")
            .mayOnlyAccessLayers("bits", "ldpc", "accel")
            .whereLayer("keystore")
            .mayOnlyAccessLayers("bits")
            .whereLayer("auth")
            .mayOnlyAccessLayers("bits", "verify", "amplify", "keystore")
            .whereLayer("wire")
            .mayOnlyAccessLayers("bits", "dump", "ldpc", "security", "auth", "keystore", "reconcile", "link")
            .whereLayer("simulate")
            .mayOnlyAccessLayers("bits", "dump", "security")
            .whereLayer("report")
            .mayOnlyAccessLayers("security", "link", "reconcile")
            .whereLayer("link")
            .mayOnlyAccessLayers(
                    "bits",
                    "accel",
                    "gf2",
                    "ldpc",
                    "dump",
                    "sift",
                    "security",
                    "verify",
                    "amplify",
                    "reconcile",
                    "keystore",
                    "auth")
            .whereLayer("agent")
            .mayOnlyAccessLayers(
                    "root",
                    "bits",
                    "accel",
                    "ldpc",
                    "security",
                    "dump",
                    "amplify",
                    "reconcile",
                    "keystore",
                    "auth",
                    "link",
                    "wire",
                    "report")
            .whereLayer("cli")
            .mayNotBeAccessedByAnyLayer();

    @ArchTest
    static final ArchRule ONLY_KERNEL_PACKAGES_TOUCH_THE_VECTOR_API = noClasses()
            .that()
            .resideOutsideOfPackages("dev.qdistill.accel", "dev.qdistill.gf2", "dev.qdistill.ldpc")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("jdk.incubator.vector");

    @ArchTest
    static final ArchRule ONE_CLASS_TOUCHES_OPENCL = noClasses()
            .that()
            .haveNameNotMatching("dev\\.qdistill\\.accel\\.OpenClDevice(\\$.*)?")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.lwjgl..");
}
