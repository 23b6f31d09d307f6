// Wadi on AWS, as a construct to put into a stack: a table, a bucket, two functions with their URLs and a compactor.
// What runs is src/functions; what each may do is written out here, action by action.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Annotations, Duration, RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Effect, type IGrantable, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, FunctionUrl, FunctionUrlAuthType, type FunctionUrlCorsOptions, HttpMethod, InvokeMode, Function as LambdaFunctionOf, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { addAlarms } from './alarms.ts';
import { addDashboard } from './dashboard.ts';
import { checkSettings, defaultSettings, type WadiSettings } from './settings.ts';
import { addWebFunction } from './web-function.ts';

export type WadiProps = Partial<Omit<WadiSettings, 'alarmEmail'>> & {
  /** Holds `produce`, `fetch`, `compactor` and `web`, as scripts/bundle-functions.ts makes them. Default: those of the package. */
  readonly functionsFolder?: string;
  /** What `GET /v1` tells. Default: that of the package. */
  readonly version?: string;
  /** Told of alarms. */
  readonly alarmTopic?: ITopic;
};

/** Seconds. What a function does ends a second before. */
const timeouts = { produce: 30, compactor: 300 };
const compactorMemoryMb = 512;

const readItems = ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query'];
const writeItems = ['dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem', 'dynamodb:ConditionCheckItem'];

/** Beside the construct, in a package. */
const packedFunctions = (): string => fileURLToPath(new URL('../lambda', import.meta.url));
const packedVersion = (): string => (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string }).version;

export class Wadi extends Construct {
  readonly table: Table;
  readonly bucket: Bucket;
  readonly produce: LambdaFunctionOf;
  readonly fetch: LambdaFunctionOf;
  readonly compactor: LambdaFunctionOf;
  readonly writeUrl: FunctionUrl;
  readonly readUrl: FunctionUrl;
  /** Of the server as a web function, where there is one. */
  readonly serverUrl: string | undefined;
  readonly #settings: WadiSettings;
  readonly #functionsFolder: string;
  readonly #version: string;

  /** @throws InvalidSetting */
  constructor(scope: Construct, id: string, props: WadiProps) {
    super(scope, id);
    const { functionsFolder = packedFunctions(), version = packedVersion(), alarmTopic, ...given } = props;
    this.#functionsFolder = functionsFolder;
    this.#version = version;
    this.#settings = checkSettings({ ...defaultSettings, ...given });
    const { auth, produceConcurrency, keepData } = this.#settings;
    if (auth === 'none') Annotations.of(this).addWarningV2('wadi:auth-none', 'auth is none: anybody on the internet who knows the URLs may read and write. Set auth to iam, and sign requests.');
    if (!keepData) Annotations.of(this).addInfo('keepData is false: all records go when this stack is destroyed.');

    this.table = this.#createTable();
    this.bucket = this.#createBucket();

    this.produce = this.#createFunction('produce', { reserved: produceConcurrency === 'unreserved' ? undefined : produceConcurrency });
    this.#allow(this.produce, [...readItems, ...writeItems], ['s3:GetObject', 's3:PutObject']);
    this.writeUrl = this.#addUrl('WriteUrl', this.produce, [HttpMethod.PUT, HttpMethod.POST, HttpMethod.PATCH, HttpMethod.DELETE]);

    this.fetch = this.#createFunction('fetch', { environment: { WADI_OTHER_URL: this.writeUrl.url } });
    this.#allow(this.fetch, readItems, ['s3:GetObject']);
    this.readUrl = this.#addUrl('ReadUrl', this.fetch, [HttpMethod.GET, HttpMethod.HEAD]);

    this.compactor = this.#createFunction('compactor', { memoryMb: compactorMemoryMb });
    this.#allow(this.compactor, [...readItems, ...writeItems], ['s3:GetObject', 's3:PutObject', 's3:DeleteObject']);
    // Rules of EventBridge fire on time or a little late, and at least once; the next minute comes anyway.
    new Rule(this, 'EveryMinute', { schedule: Schedule.rate(Duration.minutes(1)), targets: [new LambdaFunction(this.compactor, { retryAttempts: 0, maxEventAge: Duration.minutes(1) })] });

    if (this.#settings.webFunction) {
      this.serverUrl = addWebFunction(this, {
        folder: join(functionsFolder, 'web'),
        environment: this.#environment(),
        auth,
        allow: (role) => this.#allow(role, [...readItems, ...writeItems], ['s3:GetObject', 's3:PutObject', 's3:DeleteObject']),
      });
    }
    addAlarms(this, timeouts.produce, alarmTopic);
    if (this.#settings.dashboard) addDashboard(this);
  }

  #createTable(): Table {
    const { keepData } = this.#settings;
    return new Table(this, 'Table', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.DEFAULT,
      timeToLiveAttribute: 'ttl',
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: keepData,
      removalPolicy: keepData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
  }

  /** Lifecycle only as a backstop: what is an object of a log, and what is none any more, the compactor knows. */
  #createBucket(): Bucket {
    const { keepData } = this.#settings;
    return new Bucket(this, 'Bucket', {
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      lifecycleRules: [{ id: 'abandoned-uploads', abortIncompleteMultipartUploadAfter: Duration.days(7) }],
      removalPolicy: keepData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
      autoDeleteObjects: !keepData,
    });
  }

  #environment(): Record<string, string> {
    return {
      WADI_TABLE: this.table.tableName,
      WADI_BUCKET: this.bucket.bucketName,
      WADI_VERSION: this.#version,
      ...(this.#settings.pathStyle ? { WADI_S3_PATH_STYLE: 'true' } : {}),
    };
  }

  #createFunction(
    name: 'produce' | 'fetch' | 'compactor',
    { environment = {}, reserved, memoryMb = this.#settings.memoryMb }: { readonly environment?: Record<string, string>; readonly reserved?: number | undefined; readonly memoryMb?: number },
  ): LambdaFunctionOf {
    const id = name.charAt(0).toUpperCase() + name.slice(1);
    const logGroup = new LogGroup(this, `${id}Logs`, { retention: this.#settings.logDays, removalPolicy: this.#settings.keepData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY });
    const role = new Role(this, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(role);
    return new LambdaFunctionOf(this, id, {
      description: `Wadi: ${name}`,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(join(this.#functionsFolder, name)),
      handler: 'index.handler',
      environment: { ...this.#environment(), ...environment },
      memorySize: memoryMb,
      timeout: Duration.seconds(name === 'fetch' ? this.#settings.fetchSeconds : timeouts[name]),
      role,
      logGroup,
      ...(reserved === undefined ? {} : { reservedConcurrentExecutions: reserved }),
    });
  }

  /** To list the bucket is part of it: without, S3 answers 403 where an object is not there, in place of 404. */
  #allow(grantee: IGrantable, onItems: readonly string[], onObjects: readonly string[]): void {
    const allow = (actions: readonly string[], resource: string): void =>
      void grantee.grantPrincipal.addToPrincipalPolicy(new PolicyStatement({ effect: Effect.ALLOW, actions: [...actions], resources: [resource] }));
    allow(onItems, this.table.tableArn);
    allow(onObjects, this.bucket.arnForObjects('*'));
    allow(['s3:ListBucket'], this.bucket.bucketArn);
  }

  #addUrl(id: string, target: LambdaFunctionOf, methods: readonly HttpMethod[]): FunctionUrl {
    const { auth, corsOrigins } = this.#settings;
    // Answered by Lambda itself: the preflight of a browser is not signed.
    const cors: FunctionUrlCorsOptions = { allowedOrigins: [...corsOrigins], allowedMethods: [...methods], allowedHeaders: ['*'], exposedHeaders: ['*'], maxAge: Duration.hours(1) };
    return new FunctionUrl(this, id, {
      function: target,
      authType: auth === 'iam' ? FunctionUrlAuthType.AWS_IAM : FunctionUrlAuthType.NONE,
      invokeMode: InvokeMode.RESPONSE_STREAM,
      ...(corsOrigins.length === 0 ? {} : { cors }),
    });
  }

  /** Lets a principal read records and look at topics. */
  grantRead(grantee: IGrantable): void {
    this.fetch.grantInvokeUrl(grantee);
    this.fetch.grantInvoke(grantee);
  }

  /** Lets a principal append, and create, change and delete topics. */
  grantWrite(grantee: IGrantable): void {
    this.produce.grantInvokeUrl(grantee);
    this.produce.grantInvoke(grantee);
  }
}
