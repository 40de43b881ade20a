internal import BelayCore

/// The types of the API that the double knows, after the API reference of 1.36.
/// https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.36/
///
/// One line a type: `member=type`; lines that begin with a space go on with it. A type is a letter of ``Schema/Scalar``, `?` for
/// anything, the name of another line, `{T}` for a map, `!T` for an object owned as a whole, `[T]` for a list owned as a whole,
/// `[T|key,…]` for one of named things, `[*]` for a set.
struct SchemaTable: Sendable {
    static let shared = SchemaTable(text)

    private let lines: [String: [(name: String, type: String)]]
    private var schemas: [String: Schema] = [:]
    private var others = Schema.any

    private init(_ text: String) {
        var lines: [String: [(name: String, type: String)]] = [:]
        for line in text.replacing("\n ", with: " ").split(separator: "\n") {
            let words = line.split(separator: " ")
            lines[String(words[0])] = words.dropFirst().map { word in
                let parts = word.split(separator: "=", maxSplits: 1)
                return (String(parts[0]), String(parts[1]))
            }
        }
        self.lines = lines
        for kind in lines.keys { schemas[kind] = build(kind) }
        others = Schema(kind: .structure(["metadata": type("ObjectMeta"), "spec": .any, "status": .any]))
    }

    /// The schema of a kind; of one without a line anything goes beside its metadata.
    func schema(of kind: String) -> Schema { schemas[kind] ?? others }

    private func build(_ kind: String) -> Schema {
        var members = structure(kind)
        members["apiVersion"] = type("s")
        members["kind"] = type("s")
        members["metadata"] = type("ObjectMeta")
        return Schema(kind: .structure(members))
    }

    /// Whether the type has a line of its own, so that a member without a place in it is a mistake.
    func knows(_ kind: String) -> Bool { lines[kind] != nil }

    private func structure(_ name: String) -> [String: Schema] {
        var members: [String: Schema] = [:]
        for (member, text) in lines[name] ?? [] { members[member] = type(Substring(text)) }
        return members
    }

    private func type(_ text: Substring) -> Schema {
        switch text.first {
        case "?": return .any
        case "!": return Schema(kind: .atomic(type(text.dropFirst())))
        case "{": return Schema(kind: .map(type(text.dropFirst().dropLast())))
        case "[":
            let inner = text.dropFirst().dropLast()
            if inner == "*" { return Schema(kind: .set) }
            let parts = inner.split(separator: "|")
            if parts.count == 1 { return Schema(kind: .list(type(parts[0]))) }
            return Schema(kind: .keyedList(parts[1].split(separator: ",").map(String.init), type(parts[0])))
        default:
            if text.count == 1, let letter = text.first, let scalar = Schema.Scalar(rawValue: letter) {
                return Schema(kind: .scalar(scalar))
            }
            return Schema(kind: .structure(structure(String(text))))
        }
    }

    private static let text = """
        ObjectMeta name=s generateName=s namespace=s selfLink=s uid=s resourceVersion=s generation=i
          creationTimestamp=s deletionTimestamp=s deletionGracePeriodSeconds=i labels={s} annotations={s}
          ownerReferences=[!OwnerReference|uid] finalizers=[*] managedFields=?
        OwnerReference apiVersion=s kind=s name=s uid=s controller=b blockOwnerDeletion=b
        LabelSelector matchLabels={s} matchExpressions=[LabelSelectorRequirement]
        LabelSelectorRequirement key=s operator=s values=[s]
        Condition type=s status=s reason=s message=s lastUpdateTime=s lastTransitionTime=s lastProbeTime=s
          lastHeartbeatTime=s observedGeneration=i
        Namespace spec=NamespaceSpec status=?
        NamespaceSpec finalizers=[s]
        Deployment spec=DeploymentSpec status=DeploymentStatus
        DeploymentSpec replicas=i selector=!LabelSelector template=PodTemplateSpec strategy=DeploymentStrategy
          minReadySeconds=i revisionHistoryLimit=i paused=b progressDeadlineSeconds=i
        DeploymentStrategy type=s rollingUpdate=RollingUpdate
        RollingUpdate maxSurge=x maxUnavailable=x
        DeploymentStatus observedGeneration=i replicas=i updatedReplicas=i readyReplicas=i availableReplicas=i
          unavailableReplicas=i terminatingReplicas=i collisionCount=i conditions=[Condition|type]
        ReplicaSet spec=ReplicaSetSpec status=ReplicaSetStatus
        ReplicaSetSpec replicas=i selector=!LabelSelector template=PodTemplateSpec minReadySeconds=i
        ReplicaSetStatus replicas=i fullyLabeledReplicas=i readyReplicas=i availableReplicas=i terminatingReplicas=i
          observedGeneration=i conditions=[Condition|type]
        PodTemplateSpec metadata=ObjectMeta spec=PodSpec
        Pod spec=PodSpec status=PodStatus
        PodSpec volumes=[Volume|name] initContainers=[Container|name] containers=[Container|name]
          ephemeralContainers=[Container|name] restartPolicy=s terminationGracePeriodSeconds=i activeDeadlineSeconds=i
          dnsPolicy=s nodeSelector=!{s} serviceAccountName=s serviceAccount=s automountServiceAccountToken=b
          nodeName=s hostNetwork=b hostPID=b hostIPC=b shareProcessNamespace=b securityContext=?
          imagePullSecrets=[Named|name] hostname=s subdomain=s affinity=? schedulerName=s tolerations=[Toleration]
          hostAliases=[HostAlias|ip] priorityClassName=s priority=i dnsConfig=? readinessGates=[?] runtimeClassName=s
          enableServiceLinks=b preemptionPolicy=s overhead={x}
          topologySpreadConstraints=[TopologySpreadConstraint|topologyKey,whenUnsatisfiable] setHostnameAsFQDN=b os=?
          hostUsers=b schedulingGates=[Named|name] resourceClaims=[?] resources=?
        Named name=s
        Volume name=s configMap=? secret=? emptyDir=? persistentVolumeClaim=? hostPath=? projected=? downwardAPI=?
          csi=? nfs=? ephemeral=? image=?
        Container name=s image=s command=[s] args=[s] workingDir=s ports=[ContainerPort|containerPort,protocol]
          envFrom=[?] env=[EnvVar|name] resources=ResourceRequirements resizePolicy=[?] restartPolicy=s
          volumeMounts=[VolumeMount|mountPath] volumeDevices=[?|devicePath] livenessProbe=Probe readinessProbe=Probe
          startupProbe=Probe lifecycle=? terminationMessagePath=s terminationMessagePolicy=s imagePullPolicy=s
          securityContext=? stdin=b stdinOnce=b tty=b
        ContainerPort name=s hostPort=i containerPort=i protocol=s hostIP=s
        EnvVar name=s value=s valueFrom=?
        ResourceRequirements limits={x} requests={x} claims=[Named|name]
        VolumeMount name=s readOnly=b mountPath=s subPath=s subPathExpr=s mountPropagation=s recursiveReadOnly=s
        Probe exec=? httpGet=HTTPGet tcpSocket=? grpc=? initialDelaySeconds=i timeoutSeconds=i periodSeconds=i
          successThreshold=i failureThreshold=i terminationGracePeriodSeconds=i
        HTTPGet path=s port=x host=s scheme=s httpHeaders=[?]
        Toleration key=s operator=s value=s effect=s tolerationSeconds=i
        HostAlias ip=s hostnames=[s]
        TopologySpreadConstraint maxSkew=i topologyKey=s whenUnsatisfiable=s labelSelector=? minDomains=i
          nodeAffinityPolicy=s nodeTaintsPolicy=s matchLabelKeys=[s]
        PodStatus phase=s conditions=[Condition|type] message=s reason=s hostIP=s hostIPs=[?] podIP=s podIPs=[?]
          startTime=s initContainerStatuses=[?] containerStatuses=[?] qosClass=s observedGeneration=i
        Service spec=ServiceSpec status=?
        ServiceSpec ports=[ServicePort|port,protocol] selector=!{s} clusterIP=s clusterIPs=[s] type=s externalIPs=[s]
          sessionAffinity=s loadBalancerIP=s loadBalancerSourceRanges=[s] externalName=s externalTrafficPolicy=s
          healthCheckNodePort=i publishNotReadyAddresses=b sessionAffinityConfig=? ipFamilies=[s] ipFamilyPolicy=s
          allocateLoadBalancerNodePorts=b loadBalancerClass=s internalTrafficPolicy=s trafficDistribution=s
        ServicePort name=s protocol=s appProtocol=s port=i targetPort=x nodePort=i
        EndpointSlice addressType=s endpoints=[?] ports=[?]
        Endpoints subsets=[?]
        ConfigMap data={s} binaryData={s} immutable=b
        Secret data={s} stringData={s} type=s immutable=b
        ServiceAccount secrets=[?|name] imagePullSecrets=[Named] automountServiceAccountToken=b
        Lease spec=LeaseSpec
        LeaseSpec holderIdentity=s leaseDurationSeconds=i acquireTime=m renewTime=m leaseTransitions=i strategy=s
          preferredHolder=s
        Job spec=JobSpec status=?
        JobSpec parallelism=i completions=i activeDeadlineSeconds=i backoffLimit=i backoffLimitPerIndex=i
          maxFailedIndexes=i selector=!LabelSelector manualSelector=b template=PodTemplateSpec
          ttlSecondsAfterFinished=i completionMode=s suspend=b podFailurePolicy=? successPolicy=?
          podReplacementPolicy=s managedBy=s
        HorizontalPodAutoscaler spec=HPASpec status=?
        HPASpec scaleTargetRef=CrossReference minReplicas=i maxReplicas=i metrics=[?] behavior=?
        CrossReference apiVersion=s kind=s name=s
        ResourceQuota spec=? status=?
        PodDisruptionBudget spec=PDBSpec status=?
        PDBSpec minAvailable=x maxUnavailable=x selector=!LabelSelector unhealthyPodEvictionPolicy=s
        NetworkPolicy spec=NetworkPolicySpec
        NetworkPolicySpec podSelector=!LabelSelector policyTypes=[s] ingress=[?] egress=[?]
        Role rules=[PolicyRule]
        PolicyRule verbs=[s] apiGroups=[s] resources=[s] resourceNames=[s] nonResourceURLs=[s]
        RoleBinding subjects=[?] roleRef=!?
        """
}
